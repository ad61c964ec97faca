//! The body: read to its end or to the limits, inflated on the way.

use std::io::Write;
use std::time::Instant;

use domain::check::{Failure, FailureClass, Phase};
use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::Response;
use hyper::body::Incoming;

use super::brotli::Brotli;
use super::exchange::{self, Connection};
use super::failure;
use crate::look::{Look, Step};
use crate::wire::Stopped;

/// Bytes read on the wire.
const MAX_WIRE: u64 = 1024 * 1024;
/// Bytes kept after inflating.
const MAX_INFLATED: usize = 4 * 1024 * 1024;
/// Bytes of a page that nobody looks for a text in: what error pages and bot protection are told by,
/// and what is kept as evidence, 64 KiB, with as much again: an echoed secret, which a request body of
/// 64 kB may be, must be whole to be found and masked before the cut.
pub(super) const EVIDENCE: usize = 128 * 1024;
/// The whole page, as far as it is read.
pub(in crate::kinds) const ALL: usize = MAX_INFLATED;
/// A kept body grows by so much at a time: doubling would hold up to twice of what came.
const GROWTH: usize = 256 * 1024;
/// No honest page shrinks further than this.
const BOMB_RATIO: u64 = 100;

/// Reads the body of `answer` into the look's facts, and keeps its first `keep` bytes.
pub(super) async fn read(
    look: &mut Look<'_>,
    connection: &mut Connection,
    answer: Response<Incoming>,
    keep: usize,
) -> Step<()> {
    look.enter(Phase::Body);
    let encoding = answer
        .headers()
        .get(http::header::CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let mut inflater = Inflater::new(&encoding, look.deadline, keep);
    let mut body = answer.into_body();
    let mut wire = 0_u64;
    let outcome = loop {
        let Some(frame) = exchange::frame(connection, &mut body).await else {
            break inflater.finish(wire).map(|()| true);
        };
        let data = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) => {
                let passed = connection.log.snapshot();
                if passed.stopped == Some(Stopped::Late) {
                    break Err(look.timed_out());
                }
                break Err(failure::of_body(&error, &passed, connection.is_http2()));
            }
        };
        let room = usize::try_from(MAX_WIRE - wire)
            .unwrap_or(0)
            .min(data.len());
        wire += room as u64;
        // Facts are kept up to date, since a deadline may drop this future at the next frame.
        let went_on = inflater.take(data.get(..room).unwrap_or_default(), wire);
        note(look, &mut inflater, wire, false);
        match went_on {
            Err(failure) => break Err(failure),
            Ok(full) if full || room < data.len() => break Ok(false),
            Ok(_) => {}
        }
    };
    let complete = matches!(outcome, Ok(true));
    note(look, &mut inflater, wire, complete);
    match outcome {
        Ok(_) => Ok(()),
        Err(Failure {
            class: FailureClass::BodyTimeout,
            ..
        }) => Err(look.timed_out()),
        Err(failure) => Err(failure),
    }
}

fn note(look: &mut Look<'_>, inflater: &mut Inflater, wire: u64, complete: bool) {
    if let Some(http) = &mut look.seen.http {
        http.wire_bytes = wire;
        inflater.drain_into(&mut http.body);
        http.body_bytes = inflater.sink().count as u64;
        http.body_complete = complete;
    }
}

/// Where inflated bytes go, until the limit or the deadline.
struct Sink {
    bytes: Vec<u8>,
    /// Bytes that came.
    count: usize,
    /// So many of them are kept.
    keep: usize,
    full: bool,
    late: bool,
    deadline: Instant,
}

impl Sink {
    const fn new(deadline: Instant, keep: usize) -> Self {
        Self {
            bytes: Vec::new(),
            count: 0,
            keep,
            full: false,
            late: false,
            deadline,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if Instant::now() >= self.deadline {
            self.late = true;
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        let room = MAX_INFLATED.saturating_sub(self.count);
        if room == 0 {
            self.full = true;
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        let taken = room.min(bytes.len());
        let kept = self.keep.saturating_sub(self.count).min(taken);
        append(&mut self.bytes, bytes.get(..kept).unwrap_or_default());
        self.count += taken;
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn append(to: &mut Vec<u8>, bytes: &[u8]) {
    if to.capacity() - to.len() < bytes.len() {
        let small = to.len() < GROWTH;
        to.reserve_exact(bytes.len().max(if small { to.len() } else { GROWTH }));
    }
    to.extend_from_slice(bytes);
}

enum Decoder {
    Plain(Sink),
    Gzip(GzDecoder<Sink>),
    Zlib(ZlibDecoder<Sink>),
    Raw(DeflateDecoder<Sink>),
    /// Boxed: its state is large.
    Brotli(Box<Brotli<Sink>>),
    /// `deflate` means zlib by the book and raw deflate in some servers: the first byte tells.
    Undecided(Sink),
}

struct Inflater {
    decoder: Decoder,
    /// What follows the end of a compressed stream is ignored, as browsers do.
    ended: bool,
}

impl Inflater {
    fn new(encoding: &str, deadline: Instant, keep: usize) -> Self {
        let sink = Sink::new(deadline, keep);
        let decoder = match encoding {
            "gzip" | "x-gzip" => Decoder::Gzip(GzDecoder::new(sink)),
            "deflate" => Decoder::Undecided(sink),
            "br" => Decoder::Brotli(Box::new(Brotli::new(sink, keep))),
            // We asked for nothing else: what comes anyhow is kept as it is.
            _ => Decoder::Plain(sink),
        };
        Self {
            decoder,
            ended: false,
        }
    }

    fn sink(&mut self) -> &mut Sink {
        match &mut self.decoder {
            Decoder::Plain(sink) | Decoder::Undecided(sink) => sink,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zlib(decoder) => decoder.get_mut(),
            Decoder::Raw(decoder) => decoder.get_mut(),
            Decoder::Brotli(decoder) => decoder.get_mut(),
        }
    }

    fn decide(&mut self, first: u8) {
        let Decoder::Undecided(sink) = &mut self.decoder else {
            return;
        };
        let placeholder = Sink::new(sink.deadline, sink.keep);
        let sink = std::mem::replace(sink, placeholder);
        self.decoder = if first & 0x0F == 8 {
            Decoder::Zlib(ZlibDecoder::new(sink))
        } else {
            Decoder::Raw(DeflateDecoder::new(sink))
        };
    }

    /// Takes bytes from the wire. `true` when the limit was met.
    fn take(&mut self, mut bytes: &[u8], wire: u64) -> Step<bool> {
        if let Some(first) = bytes.first() {
            self.decide(*first);
        }
        while !bytes.is_empty() && !self.ended {
            let outcome = match &mut self.decoder {
                Decoder::Plain(sink) | Decoder::Undecided(sink) => sink.write(bytes),
                Decoder::Gzip(decoder) => decoder.write(bytes),
                Decoder::Zlib(decoder) => decoder.write(bytes),
                Decoder::Raw(decoder) => decoder.write(bytes),
                Decoder::Brotli(decoder) => decoder.write(bytes),
            };
            match outcome {
                Ok(0) => self.ended = true,
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) => return self.broken(&error, wire),
            }
        }
        Ok(false)
    }

    fn broken(&mut self, error: &std::io::Error, wire: u64) -> Step<bool> {
        let fail = |class, message: String| Err(Failure::new(class, Phase::Body, message));
        let over = matches!(&self.decoder, Decoder::Brotli(decoder) if decoder.is_over());
        let sink = self.sink();
        let full = sink.full || over;
        if sink.late {
            return fail(
                FailureClass::BodyTimeout,
                "the time-out came while inflating".to_owned(),
            );
        }
        if !full {
            return fail(
                FailureClass::DecodeError,
                format!("after {wire} bytes the compressed data is broken ({error})"),
            );
        }
        let ratio = MAX_INFLATED as u64 / wire.max(1);
        if ratio > BOMB_RATIO {
            let message = format!("{wire} bytes inflate to more than 4 MiB: a compression bomb");
            return fail(FailureClass::BodyTooLarge, message);
        }
        Ok(true)
    }

    /// The end of the wire: what is still inside comes out, and an unfinished stream is an error.
    fn finish(&mut self, wire: u64) -> Step<()> {
        if wire == 0 {
            return Ok(());
        }
        let outcome = match &mut self.decoder {
            Decoder::Plain(_) | Decoder::Undecided(_) => Ok(()),
            Decoder::Gzip(decoder) => decoder.try_finish(),
            Decoder::Zlib(decoder) => decoder.try_finish(),
            Decoder::Raw(decoder) => decoder.try_finish(),
            Decoder::Brotli(decoder) => decoder.close(),
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(error) => self.broken(&error, wire).map(|_| ()),
        }
    }

    fn drain_into(&mut self, body: &mut Vec<u8>) {
        let sink = self.sink();
        if body.is_empty() {
            *body = std::mem::take(&mut sink.bytes);
        } else {
            append(body, &std::mem::take(&mut sink.bytes));
        }
    }
}
