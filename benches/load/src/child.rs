//! A process that says a line when it is ready, and another one when it is asked.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

use crate::Result;

/// Ends with its handle, which closes what it reads from.
pub struct Child {
    process: Process,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    name: String,
}

impl Child {
    /// With the words of its first line.
    pub fn start(mut command: Command, name: &str) -> Result<(Self, Vec<String>)> {
        for (name, _) in std::env::vars_os() {
            let is_ours = command.get_envs().any(|(given, _)| given == name);
            if name.to_string_lossy().starts_with("OTEL_") && !is_ours {
                command.env_remove(name);
            }
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let answers = BufReader::new(process.stdout.take().ok_or("a child without an output")?);
        let questions = process.stdin.take();
        let mut child = Self { process, questions, answers, name: name.to_owned() };
        let words = child.line()?;
        Ok((child, words))
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The words of its answer.
    pub fn ask(&mut self) -> Result<Vec<String>> {
        self.questions.as_mut().ok_or("a child without an input")?.write_all(b"\n")?;
        self.line()
    }

    fn line(&mut self) -> Result<Vec<String>> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("the {} ended early", self.name).into());
        }
        Ok(line.split_whitespace().map(str::to_owned).collect())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.questions.take();
        let _ = self.process.wait();
    }
}

/// The other end: says a line, then waits to be asked. `false` where nobody is there any more.
pub fn say_and_wait(line: &str) -> bool {
    let mut out = std::io::stdout().lock();
    let said = writeln!(out, "{line}").and_then(|()| out.flush());
    let mut asked = String::new();
    let heard = std::io::stdin().lock().read_line(&mut asked);
    said.is_ok() && heard.is_ok_and(|bytes| bytes > 0)
}
