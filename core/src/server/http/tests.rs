use std::{convert::Infallible, fs, time::Duration};

use bytes::Bytes;
use futures::stream;
use http::StatusCode;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::time::sleep;

use super::{
    respond::whole,
    token::{Token, TokenFile, TokenSource, digest},
};
use crate::config::{HttpSection, Secret};

#[tokio::test(start_paused = true)]
async fn a_body_has_a_size_and_a_time() {
    let slowly = |text: &'static str, most| {
        let frames = stream::unfold(text, async |text| {
            sleep(Duration::from_secs(18)).await;
            let (first, rest) = text.split_at_checked(1)?;
            let frame = Frame::data(Bytes::from_static(first.as_bytes()));
            Some((Ok::<_, Infallible>(frame), rest))
        });
        whole(StreamBody::new(Box::pin(frames)), most)
    };
    assert_eq!(slowly("12", 2).await.unwrap(), "12");
    let status = slowly("123", 2).await.unwrap_err().status;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    // A byte now and then does not keep it waiting for ever.
    let status = slowly("123", 3).await.unwrap_err().status;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
}

#[test]
fn a_file_gives_the_token_without_its_line_end_and_the_setting_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "0123456789abcdef\n").unwrap();
    let mut config = HttpSection {
        token_file: Some(file),
        ..HttpSection::default()
    };
    let token = Token::obtain(&config, 1).unwrap();
    assert_eq!(token.digest, Some(digest("0123456789abcdef")));
    assert_eq!(token.source, TokenSource::Configured);
    config.token = Some(Secret("another-token-of-ours".to_owned()));
    assert_eq!(
        Token::obtain(&config, 1).unwrap().digest,
        Some(digest("another-token-of-ours"))
    );
}

#[test]
fn a_token_replaces_what_a_killed_server_left_behind() {
    let runtime = tempfile::tempdir().unwrap();
    let left = runtime.path().join("kube-mcp/token-1");
    fs::create_dir(left.parent().unwrap()).unwrap();
    fs::write(&left, "old").unwrap();
    let written = TokenFile::write("new", 1, Some(runtime.path())).unwrap();
    assert_eq!(
        (&written.path, fs::read_to_string(&left).unwrap().as_str()),
        (&left, "new")
    );
    let other = TokenFile::write("other", 2, Some(runtime.path())).unwrap();
    drop(written);
    assert!(!left.exists() && other.path.exists());
}
