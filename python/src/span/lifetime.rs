//! How a span begins, is the current one, and ends.

use pyo3::prelude::*;
use trackside::telemetry::rpc;
use trackside::telemetry::{self, Span};

use super::bridge::{bridge, bridged_parent, quietly};
use super::{PySpan, What};
use crate::context;
use crate::exception::{Raised, is_cancellation};
use crate::names;
use crate::steps::{Failure, Opened, Step};
use crate::value::{Attributes, any_text};

impl PySpan {
    pub(super) fn open(&self, py: Python<'_>, held: &Bound<'_, PyAny>) -> PyResult<()> {
        let (kind, given, links, attributes) = {
            let mut state = self.state();
            if state.place.is_some() {
                return Ok(());
            }
            (
                state.kind,
                state.parent.take(),
                std::mem::take(&mut state.links),
                state.attributes.take(),
            )
        };
        let parent = match given {
            Some(parent) => parent,
            None => bridged_parent(py)?.unwrap_or_else(|| context::parent_by(held)),
        };
        let attributes = match &attributes {
            Some(dict) => Attributes::of(dict.bind(py))?,
            None => Attributes::default(),
        };
        let mut opened = match &self.what {
            What::Span => {
                let name = any_text(self.name.bind(py))?;
                Opened::Span(
                    telemetry::instrument(Step, "")
                        .with_parent(parent)
                        .with_kind(kind)
                        .named(|| name.as_text().to_owned()),
                )
            }
            What::Dispatch => Opened::Span(rpc::dispatch(Step).with_parent(parent)),
            What::Handler => {
                Opened::Call(rpc::handler(Step).with_parent(parent).error_kind(kind_of))
            }
            What::Server(of) => {
                Opened::Call(rpc::server(of.call(), Step).with_parent(parent).error_kind(kind_of))
            }
            What::Client(of) => {
                Opened::Call(rpc::client(of.call(), Step).with_parent(parent).error_kind(kind_of))
            }
        };
        if !attributes.is_empty() || !links.is_empty() {
            opened = opened.with(|span| {
                links.iter().for_each(|link| {
                    span.link(link);
                });
                attributes.each(|key, value| {
                    span.set_dynamic(key, value);
                });
            });
        }
        let seen = context::of_thread();
        let place = opened.begin();
        let mut state = self.state();
        state.place = Some((place, seen));
        state.opened = Some(opened);
        Ok(())
    }

    pub(super) fn enter(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let held = context::held(py)?;
        this.open(py, &held)?;
        context::hold(py, slf)?;
        this.state().previous = Some(held.unbind());
        if let Some(bridge) = bridge(py) {
            let token = quietly(py, bridge.call_method1("attach", (slf,)))?;
            this.state().token = token.map(Bound::unbind);
        }
        Ok(())
    }

    pub(super) fn leave(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let (previous, token) = {
            let mut state = this.state();
            (state.previous.take(), state.token.take())
        };
        if let (Some(bridge), Some(token)) = (bridge(py), token) {
            quietly(py, bridge.call_method1("detach", (token,)))?;
        }
        // In another context, or out of order: what is current there is not ours to change.
        if let Some(previous) =
            previous.filter(|_| context::held(py).is_ok_and(|held| held.is(slf)))
        {
            context::hold(py, previous.bind(py))?;
        }
        Ok(())
    }

    /// Ends it: well, with an exception, or given up.
    pub(super) fn close(&self, exception: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let raised = match exception {
            Some(exception) if !is_cancellation(exception) => Some(Raised::read(exception)?),
            _ => None,
        };
        let kind = match (&self.error_kind, exception) {
            (Some(call), Some(exception)) if raised.is_some() => self.kind_by(call, exception)?,
            _ => OTHER,
        };
        let Some(mut opened) = self.state().opened.take() else {
            return Ok(());
        };
        let Some(raised) = raised else {
            match exception {
                // Its drop says that it was cancelled.
                Some(_) => drop(opened),
                None => opened.finish(Ok(())),
            }
            return Ok(());
        };
        opened = opened.with(|span| raised.write(span));
        if let Opened::Span(_) = opened {
            opened = opened.with(|span| fail(span, &raised));
        }
        opened.finish(Err(Failure { kind, text: raised.text() }));
        Ok(())
    }

    fn kind_by(&self, call: &Py<PyAny>, exception: &Bound<'_, PyAny>) -> PyResult<&'static str> {
        let py = exception.py();
        let word = quietly(py, call.bind(py).call1((exception,)))?;
        let word = word.map(|word| any_text(&word)).transpose()?;
        Ok(word.and_then(|word| names::keep(word.as_text())).unwrap_or(OTHER))
    }
}

pub(super) const OTHER: &str = "_OTHER";

fn kind_of(failure: &Failure) -> &'static str {
    failure.kind
}

/// A span's status by what was raised, and its class as `error.type`.
pub(super) fn fail(span: &mut Span, raised: &Raised) {
    span.error(OTHER, &raised.text()).set("error.type", raised.kind.as_str());
}
