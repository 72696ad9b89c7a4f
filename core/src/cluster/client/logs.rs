//! Reads the log of a container, line by line.

use std::time::Instant;

use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use http::Method;
use http_body_util::BodyExt as _;
use tower::BoxError;

use super::{Client, Sent, checked, info};
use crate::{
    Error, ErrorKind,
    cluster::{
        connect::ResponseBody,
        layers::{limit::OpenEnded, request::RequestInfo},
        list,
        query::{Target, segment},
    },
};

/// Which lines of a container's log are wanted.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// The container.
    pub container: String,
    /// Of the instance before the last restart.
    pub previous: bool,
    /// Not older than this.
    pub since: Option<jiff::Timestamp>,
    /// At most so many of the last lines.
    pub tail: Option<u64>,
    /// At most so many bytes.
    pub limit_bytes: Option<u64>,
    /// Go on reading as lines come.
    pub follow: bool,
}

/// The most that one line of a log may take.
const LINE: usize = 64 << 10;

impl Client {
    /// The lines of a container's log, each with its timestamp.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn logs(
        &self,
        namespace: &str,
        pod: &str,
        query: &LogQuery,
    ) -> Result<BoxStream<'static, Result<String, Error>>, Error> {
        checked("namespace", namespace)?;
        checked("pod", pod)?;
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/log",
            segment(namespace),
            segment(pod)
        );
        let flag = |on: bool| on.then_some("true");
        let target = Target::new(path)
            .with("timestamps", "true")
            .with_some(
                "container",
                Some(&query.container).filter(|name| !name.is_empty()),
            )
            .with_some("previous", flag(query.previous))
            .with_some("follow", flag(query.follow))
            .with_some("sinceTime", query.since.map(|since| since.to_string()))
            .with_some("tailLines", query.tail.map(|lines| lines.to_string()))
            .with_some("limitBytes", query.limit_bytes.map(|bytes| bytes.to_string()));
        let mut request = self.request(Method::GET, &target, Sent::default())?;
        let info = info(&request);
        if query.follow {
            request.extensions_mut().insert(OpenEnded);
        }
        let response = self.within(&info, self.send(request, &info)).await?;
        // Following goes on for as long as the call does.
        let deadline = match query.follow {
            true => self.grant.deadline,
            false => self.deadline(),
        };
        Ok(self.lines(response.into_body(), info, deadline))
    }

    fn lines(
        &self,
        body: ResponseBody,
        info: RequestInfo,
        deadline: Instant,
    ) -> BoxStream<'static, Result<String, Error>> {
        let client = self.clone();
        let reader =
            tokio_util::io::StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
        futures::stream::unfold(Some(reader), move |reader| {
            let (client, info) = (client.clone(), info.clone());
            async move {
                let mut reader = reader?;
                let next = tokio::select! {
                    biased;
                    () = client.grant.cancel.cancelled() => {
                        Some(Err(Error::new(ErrorKind::Cancelled, "the call was cancelled")))
                    }
                    line = tokio::time::timeout_at(deadline.into(), list::line(&mut reader, LINE)) => match line {
                        Ok(Ok(line)) => line.map(Ok),
                        Ok(Err(error)) => {
                            let error: BoxError = error.into();
                            Some(Err(client.broken(&error)))
                        }
                        Err(_) => Some(Err(client.too_late(&info))),
                    },
                }?;
                // After an error there is nothing more.
                let reader = next.is_ok().then_some(reader);
                Some((next, reader))
            }
        })
        .boxed()
    }
}
