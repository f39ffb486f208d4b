//! What a collector's answer means.

use h2::RecvStream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};

use super::super::Outcome;
use super::super::client::Answered;
use super::super::connection::chain;
use super::super::deadline::Deadline;
use super::super::response::{
    MAX_ERROR_TEXT, MAX_PARTIAL_TEXT, MAX_RESPONSE, partial_success, plain, retry,
};
use super::super::secrets::mask;
use super::connection::Connection;
use super::inflate::inflate;
use super::status::{Meaning, Status};

/// One flag, and the length.
pub(super) const PREFIX: usize = 5;

/// An answer, read as far as it may be.
pub(super) struct Answer {
    http: StatusCode,
    is_grpc: bool,
    status: Option<Status>,
    /// Of the one message, if it can be read.
    message: Vec<u8>,
    /// `Err` is why it did not come to its end.
    end: Result<(), String>,
}

impl Answer {
    /// Reads the body and what follows it; their failure is part of the answer.
    pub(super) async fn read(
        response: Response<RecvStream>,
        connection: &mut Connection,
        deadline: Deadline,
    ) -> Self {
        let (head, mut incoming) = response.into_parts();
        let mut body = Vec::new();
        let reading = connection.drive(read_body(&mut incoming, &mut body));
        let end = deadline.within(reading).await;
        let end = end.unwrap_or_else(|| Err("it did not end in time".to_owned()));
        // Where there is no message, the status stands in the head.
        let status = match &end {
            Ok(Some(trailers)) => Status::of(trailers).or_else(|| Status::of(&head.headers)),
            _ => Status::of(&head.headers),
        };
        let message = message(&head.headers, &body).unwrap_or_default();
        let is_grpc = is_grpc(&head.headers);
        Self { http: head.status, is_grpc, status, message, end: end.map(drop) }
    }
}

impl Answered for Answer {
    fn is_complete(&self) -> bool {
        self.end.is_ok()
    }

    fn mask(&mut self, secret: &[u8]) {
        mask(&mut self.message, secret);
        if let Some(status) = &mut self.status {
            mask(&mut status.words, secret);
        }
    }

    fn outcome(&self, items: u32) -> Outcome {
        let Some(status) = &self.status else { return self.without_status() };
        let error = self.error(status);
        match status.meaning() {
            Meaning::Done => self.delivered(items),
            Meaning::Retry { sent } => retry(error, status.pause, sent),
            Meaning::RetryIfTold if status.pause.is_some() => retry(error, status.pause, false),
            _ if status.is_too_large() => Outcome::TooLarge { error },
            Meaning::RetryIfTold | Meaning::Refused => Outcome::Refused { error },
        }
    }
}

impl Answer {
    fn delivered(&self, items: u32) -> Outcome {
        let (rejected, words) = partial_success(&self.message).unwrap_or_default();
        let rejected = u64::try_from(rejected).unwrap_or(0).min(u64::from(items));
        Outcome::Delivered { rejected, message: plain(words, MAX_PARTIAL_TEXT) }
    }

    /// Something in between answered, or the answer broke off.
    fn without_status(&self) -> Outcome {
        let http = self.http;
        if let (Err(why), true) = (&self.end, http.is_success()) {
            let error = format!("the answer broke off: {why}");
            return Outcome::Retry { error, after: None, sent: true };
        }
        let what = if self.is_grpc { "gRPC without a status" } else { "no gRPC" };
        let error = format!("answered {http}, which is {what}");
        match http.as_u16() {
            429 | 503 => Outcome::Retry { error, after: None, sent: false },
            502 | 504 => Outcome::Retry { error, after: None, sent: true },
            _ => Outcome::Refused { error },
        }
    }

    fn error(&self, status: &Status) -> String {
        match plain(&status.words, MAX_ERROR_TEXT) {
            Some(words) => format!("answered {}: {words}", status.name()),
            None => format!("answered {}", status.name()),
        }
    }
}

/// The trailers, if there are any.
async fn read_body(
    incoming: &mut RecvStream,
    body: &mut Vec<u8>,
) -> Result<Option<HeaderMap>, String> {
    while let Some(data) = incoming.data().await {
        let data = data.map_err(|error| chain(&error))?;
        // Beyond what is read it still has to be let through, since the status stands at the end.
        let room = (MAX_RESPONSE + PREFIX).saturating_sub(body.len());
        body.extend_from_slice(&data[..data.len().min(room)]);
        incoming.flow_control().release_capacity(data.len()).map_err(|error| chain(&error))?;
    }
    incoming.trailers().await.map_err(|error| chain(&error))
}

/// The first message of a body; `None` where there is none, or none that can be read.
fn message(headers: &HeaderMap, body: &[u8]) -> Option<Vec<u8>> {
    let (prefix, rest) = body.split_at_checked(PREFIX)?;
    let length = u32::from_be_bytes(prefix[1..].try_into().ok()?);
    let data = rest.get(..usize::try_from(length).ok()?)?;
    match prefix[0] {
        0 => Some(data.to_vec()),
        1 => inflate(headers.get("grpc-encoding")?.as_bytes(), data, MAX_RESPONSE),
        _ => None,
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"application/grpc"))
}
