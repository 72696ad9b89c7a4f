//! A child process that goes with everything that it started.

use std::{
    collections::BTreeSet,
    io,
    process::ExitStatus,
    sync::{Mutex, PoisonError},
};

use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// The process groups that are running, so that none outlives this process.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Stops every credential plugin that still runs. For the very end of the process: what ends in order has stopped
/// its own.
pub fn stop_plugins() {
    let running = std::mem::take(&mut *RUNNING.lock().unwrap_or_else(PoisonError::into_inner));
    for leader in running {
        kill(leader);
    }
}

/// A child in a process group of its own, which is killed when this is dropped before the child has ended.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    leader: Option<u32>,
}

impl Group {
    /// Starts it. Its stdout and stderr have to be piped.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        command.kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        let leader = child.id();
        if let Some(leader) = leader {
            RUNNING
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(leader);
        }
        Ok(Self { child, leader })
    }

    /// Its stdout, once.
    pub(super) fn stdout(&mut self) -> OptionalPipe<ChildStdout> {
        OptionalPipe(self.child.stdout.take())
    }

    /// Its stderr, once.
    pub(super) fn stderr(&mut self) -> OptionalPipe<ChildStderr> {
        OptionalPipe(self.child.stderr.take())
    }

    /// Waits for its end. What it left running in the background is left alone then, as kubectl does.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        if let Some(leader) = self.leader.take() {
            forget(leader);
        }
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader.take() {
            kill(leader);
            forget(leader);
        }
    }
}

fn forget(leader: u32) {
    RUNNING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&leader);
}

#[cfg(unix)]
fn kill(leader: u32) {
    let pid = i32::try_from(leader)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended just now.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill(_leader: u32) {
    // There are no process groups; the child itself is killed when it is dropped.
}

/// A pipe that reads as empty where there is none.
#[derive(Debug)]
pub(super) struct OptionalPipe<T>(Option<T>);

impl<T: tokio::io::AsyncRead + Unpin> tokio::io::AsyncRead for OptionalPipe<T> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        match &mut self.0 {
            Some(pipe) => std::pin::Pin::new(pipe).poll_read(cx, buf),
            None => std::task::Poll::Ready(Ok(())),
        }
    }
}
