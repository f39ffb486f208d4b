//! What a collector's answer means.

use std::time::{Duration, SystemTime};

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::Outcome;
use super::client::Answered;
use super::connection::{Connection, chain};
use super::deadline::Deadline;
use super::http_date;
use super::json;
use super::protobuf::{Fields, Value};
use super::secrets::mask;

/// How much of an answer is read where it may say what was rejected.
pub(super) const MAX_RESPONSE: usize = 4 * 1024 * 1024;
/// How much of an answer is read where it only explains an error.
const MAX_EXPLANATION: usize = 64 * 1024;
/// How much of the peer's words on an error is kept.
pub(super) const MAX_ERROR_TEXT: usize = 1024;
/// How much of the peer's words on a partial success is kept.
pub(super) const MAX_PARTIAL_TEXT: usize = 256;
/// A peer may ask for no longer pause.
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// An answer, read as far as it may be.
pub(super) struct Answer {
    status: StatusCode,
    /// What the peer asked for, not yet capped.
    pause: Option<Duration>,
    /// It says so; otherwise it is taken for protobuf.
    is_json: bool,
    body: Vec<u8>,
    end: End,
}

/// How the body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Complete,
    TooLong,
    Broken(String),
}

impl Answer {
    /// Reads the body; its failure is part of the answer.
    pub(super) async fn read(
        response: Response<Incoming>,
        connection: &mut Connection,
        deadline: Deadline,
    ) -> Self {
        let (head, mut incoming) = response.into_parts();
        let limit = if head.status.is_success() { MAX_RESPONSE } else { MAX_EXPLANATION };
        let mut body = Vec::new();
        let reading = connection.drive(read_body(&mut incoming, limit, &mut body));
        let end = deadline.within(reading).await;
        let end = end.unwrap_or_else(|| End::Broken("it did not end in time".to_owned()));
        let pause = pause(&head.headers, SystemTime::now());
        Self { status: head.status, pause, is_json: is_json(&head.headers), body, end }
    }
}

impl Answered for Answer {
    fn is_complete(&self) -> bool {
        self.end == End::Complete
    }

    fn mask(&mut self, secret: &[u8]) {
        mask(&mut self.body, secret);
    }

    fn outcome(&self, items: u32) -> Outcome {
        match self.status {
            status if status.is_success() => self.success(items),
            // A gateway that lost its upstream cannot tell whether the frame got there.
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => self.retry(true),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => self.retry(false),
            StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooLarge { error: self.error() },
            status if status.is_redirection() => {
                let remedy = "redirects are not followed, set the endpoint to where they lead";
                Outcome::Refused { error: format!("answered {status}: {remedy}") }
            }
            _ => Outcome::Refused { error: self.error() },
        }
    }
}

impl Answer {
    fn success(&self, items: u32) -> Outcome {
        let status = self.status;
        match &self.end {
            End::Complete => {
                let partial = match self.is_json {
                    true => json::partial_success(&self.body),
                    false => {
                        partial_success(&self.body).map(|(count, text)| (count, text.to_vec()))
                    }
                };
                let (rejected, message) = partial.unwrap_or_default();
                let rejected = u64::try_from(rejected).unwrap_or(0).min(u64::from(items));
                Outcome::Delivered { rejected, message: plain(&message, MAX_PARTIAL_TEXT) }
            }
            End::TooLong => Outcome::Refused {
                error: format!("answered {status} with more than {MAX_RESPONSE} bytes"),
            },
            // What it would have rejected is not known, so this is no acknowledgement.
            End::Broken(why) => Outcome::Retry {
                error: format!("answered {status}, but the answer broke off: {why}"),
                after: None,
                sent: true,
            },
        }
    }

    fn retry(&self, sent: bool) -> Outcome {
        retry(self.error(), self.pause, sent)
    }

    fn error(&self) -> String {
        let message = match self.is_json {
            true => json::status_message(&self.body),
            false => status_message(&self.body).map(<[u8]>::to_vec),
        };
        match plain(message.as_ref().unwrap_or(&self.body), MAX_ERROR_TEXT) {
            Some(text) => format!("answered {}: {text}", self.status),
            None => format!("answered {}", self.status),
        }
    }
}

/// Not now, and not before the pause that the peer asked for, which is capped.
pub(super) fn retry(mut error: String, pause: Option<Duration>, sent: bool) -> Outcome {
    if let Some(pause) = pause.filter(|pause| *pause > MAX_PAUSE) {
        let (asked, given) = (pause.as_secs(), MAX_PAUSE.as_secs());
        error.push_str(&format!(" (asked for a pause of {asked} s, gets {given} s)"));
    }
    let after = pause.filter(|pause| !pause.is_zero()).map(|pause| pause.min(MAX_PAUSE));
    Outcome::Retry { error, after, sent }
}

async fn read_body(incoming: &mut Incoming, limit: usize, body: &mut Vec<u8>) -> End {
    while let Some(frame) = incoming.frame().await {
        let data = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) => return End::Broken(chain(&error)),
        };
        let room = limit - body.len();
        body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return End::TooLong;
        }
    }
    End::Complete
}

fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = named.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// `Retry-After`; what has passed or means nothing is `None`.
fn pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits fail to parse only where they are too many.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        http_date::parse(text)?.duration_since(now).ok()?
    };
    (!pause.is_zero()).then_some(pause)
}

/// `rejected_spans` and `error_message` of an `ExportTraceServiceResponse`.
pub(super) fn partial_success(response: &[u8]) -> Option<(i64, &[u8])> {
    let (mut rejected, mut message) = (0, &[][..]);
    for field in Fields::of(response) {
        let (1, Value::Bytes(partial)) = field? else {
            continue;
        };
        for field in Fields::of(partial) {
            match field? {
                (1, Value::Varint(count)) => rejected = count as i64,
                (2, Value::Bytes(text)) => message = text,
                _ => {}
            }
        }
    }
    Some((rejected, message))
}

/// `message` of a `google.rpc.Status`; `None` where the body is something else.
fn status_message(body: &[u8]) -> Option<&[u8]> {
    let mut message = None;
    for field in Fields::of(body) {
        match field? {
            (1, Value::Varint(_)) => {
                message.get_or_insert(&[][..]);
            }
            (2, Value::Bytes(text)) => message = Some(text),
            _ => {}
        }
    }
    message
}

/// At most `limit` bytes of the peer's words, fit to be shown in a line; `None` where none are left.
pub(super) fn plain(words: &[u8], limit: usize) -> Option<String> {
    // No character shrinks to less than half by what follows, so this is enough to fill the limit.
    let words = String::from_utf8_lossy(&words[..words.len().min(limit * 4)]);
    let mut text = String::new();
    for character in words.chars() {
        let character = if character.is_control() { ' ' } else { character };
        if text.len() + character.len_utf8() > limit {
            break;
        }
        text.push(character);
    }
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
