//! Lines of bounded length.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// The longest line that is read; the same as rmcp's.
pub(super) const LIMIT: usize = 16 * 1024 * 1024;
/// Room that is kept from one line to the next.
const KEPT: usize = 64 * 1024;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end. At the end of the input it may lack the newline.
    Text(Vec<u8>),
    /// A line above the limit. The rest of it will be skipped.
    TooLong,
    /// The end of the input.
    End,
}

/// Reads lines, and never holds more than one of at most `limit` bytes.
pub(super) struct Lines<R> {
    read: BufReader<R>,
    limit: usize,
    line: Vec<u8>,
    skipping: bool,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(read: R, limit: usize) -> Self {
        Self {
            read: BufReader::new(read),
            limit,
            line: Vec::new(),
            skipping: false,
            ended: false,
        }
    }

    /// The next line. Safe to be dropped before it is ready: what was read of a line is kept for the next call.
    pub(super) async fn next(&mut self) -> io::Result<Line> {
        if self.ended {
            return Ok(Line::End);
        }
        loop {
            let available = self.read.fill_buf().await?;
            if available.is_empty() {
                self.ended = true;
                return Ok(if self.line.is_empty() {
                    Line::End
                } else {
                    Line::Text(std::mem::take(&mut self.line))
                });
            }
            let newline = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..newline.unwrap_or(available.len())];
            let taken = part.len() + usize::from(newline.is_some());
            let too_long = !self.skipping && self.line.len() + part.len() > self.limit;
            if !self.skipping && !too_long {
                self.line.extend_from_slice(part);
            }
            self.read.consume(taken);
            if too_long {
                self.line = Vec::new();
                self.skipping = newline.is_none();
                return Ok(Line::TooLong);
            }
            if newline.is_some() {
                if self.skipping {
                    self.skipping = false;
                    continue;
                }
                let kept = Vec::with_capacity(self.line.capacity().min(KEPT));
                return Ok(Line::Text(std::mem::replace(&mut self.line, kept)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(input: &[u8], limit: usize) -> Vec<Line> {
        let mut lines = Lines::new(input, limit);
        let mut all = Vec::new();
        loop {
            match lines.next().await.unwrap() {
                Line::End => return all,
                line => all.push(line),
            }
        }
    }

    fn text(text: &str) -> Line {
        Line::Text(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn lines_are_split_at_newlines_and_the_last_may_lack_one() {
        assert_eq!(
            all(b"a\n\nbc\nd", 10).await,
            [text("a"), text(""), text("bc"), text("d")]
        );
        assert_eq!(all(b"a\n", 10).await, [text("a")]);
    }

    #[tokio::test]
    async fn what_is_too_long_is_said_once_and_skipped() {
        let long = [b"x".repeat(50_000), b"\nok\n".to_vec()].concat();
        assert_eq!(all(&long, 10).await, [Line::TooLong, text("ok")]);
        assert_eq!(all(b"12345\n1234\n", 4).await, [Line::TooLong, text("1234")]);
        assert_eq!(all(&b"x".repeat(50_000), 10).await, [Line::TooLong]);
    }

    #[tokio::test]
    async fn a_read_that_is_given_up_loses_nothing() {
        use tokio::io::AsyncWriteExt as _;
        let (mut client, server) = tokio::io::duplex(64);
        let mut lines = Lines::new(server, 100);
        client.write_all(b"first half, ").await.unwrap();
        tokio::select! {
            biased;
            line = lines.next() => panic!("{line:?}"),
            () = tokio::task::yield_now() => {}
        }
        client.write_all(b"second half\n").await.unwrap();
        assert_eq!(lines.next().await.unwrap(), text("first half, second half"));
    }
}
