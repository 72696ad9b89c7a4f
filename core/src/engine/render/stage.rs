//! What the engine calls to write an answer.

use std::{fmt, sync::Arc};

use super::{
    budget::{cut, tokens},
    change, lines, object,
    safe::{block, line, shortened},
    table,
};
use crate::{
    Error,
    call::Planned,
    output::{Next, Output, Redactor, Table, rows, size::counted, yaml},
};

/// The longest remark.
const NOTE: usize = 600;
/// More remarks than this are counted.
const NOTES: usize = 12;
/// How many calls are suggested.
const SUGGESTED: usize = 2;

/// Writes a suggestion as a call of a listed tool; nothing if no tool that is listed can do it.
pub trait NextResolver: Send + Sync {
    /// The call, as `tool key=value key=value`.
    fn call(&self, next: &Next) -> Option<String>;
}

/// The form of an answer. Each type of answer has its own first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Tab-separated rows.
    Table,
    /// YAML.
    Yaml,
    /// Compact JSON.
    Json,
}

/// The output stage with its budget.
#[derive(Clone)]
pub struct Stage {
    budget: usize,
    resolver: Arc<dyn NextResolver>,
    /// The cluster that suggested calls name.
    cluster: Option<Arc<str>>,
    /// What the call that is answered takes: an operation's word for a parameter, and the tool's. What is no call's
    /// answer, as a part of a template, takes nothing.
    takes: Arc<[(&'static str, &'static str)]>,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

impl Stage {
    /// The least budget that an answer can be understood with.
    const LEAST: usize = 200;

    /// A stage whose answers cost at most about `budget` tokens.
    pub fn new(budget: usize, resolver: Arc<dyn NextResolver>) -> Self {
        Self {
            // The estimate is right within a few percent.
            budget: (budget - budget / 25).max(Self::LEAST),
            resolver,
            cluster: None,
            takes: Arc::new([]),
        }
    }

    /// A stage for answers to calls that take these parameters, each by the operation's word for it and the tool's: an
    /// answer that is cut says which of them narrow it.
    #[must_use]
    pub fn taking(&self, takes: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        Self {
            takes: takes.into_iter().collect(),
            ..self.clone()
        }
    }

    /// A stage for each of `parts` that make one answer together.
    #[must_use]
    pub fn share(&self, parts: usize) -> Self {
        self.share_of_rest(0, parts)
    }

    /// A stage for each of `parts` that make one answer together with what has `spent` some of its budget.
    #[must_use]
    pub fn share_of_rest(&self, spent: usize, parts: usize) -> Self {
        let budget = self.budget.saturating_sub(spent) / parts.max(1);
        Self {
            budget: budget.max(Self::LEAST),
            ..self.clone()
        }
    }

    /// A stage for answers of this cluster, where there are several: the calls that it suggests name it, since without
    /// it they would go to the default.
    #[must_use]
    pub fn of(&self, cluster: Option<&str>) -> Self {
        Self {
            cluster: cluster.map(Arc::from),
            ..self.clone()
        }
    }

    /// An answer as text. `cluster` is named at its start; it is given where there are several.
    pub fn output(
        &self,
        output: &Output,
        view: Option<View>,
        cluster: Option<&str>,
        redactor: &Redactor,
    ) -> String {
        let mut output = output.clone();
        redactor.output(&mut output);
        let mut out = self.writer(cluster, redactor);
        match &output {
            Output::Table(table) => match view {
                None | Some(View::Table) => table::render(table, &mut out),
                Some(view) => object::render_rows(table, view, &mut out),
            },
            Output::Object(object) => object::render(object, view, &mut out),
            Output::Record(record) => object::render_record(record, view, &mut out),
            Output::Lines(lines) => lines::render(lines, &mut out),
            Output::Change(change) if view == Some(View::Json) => object::render_change(change, &mut out),
            Output::Change(change) => change::render(change, &mut out),
        }
        out.finish()
    }

    /// What an answer is about and nothing around it: the contents of a resource. A list is its rows.
    pub fn bare(&self, output: &Output, view: Option<View>, redactor: &Redactor) -> String {
        let mut output = output.clone();
        redactor.output(&mut output);
        match &output {
            Output::Object(object) => object::bare(object, view, self.budget),
            Output::Table(table) if view.is_some_and(|view| view != View::Table) => {
                object::text_of(&rows(table), view, self.budget).0
            }
            Output::Record(record) => object::text_of(&record.facts, view, self.budget).0,
            output => {
                let mut output = output.clone();
                if let Output::Table(Table { next, .. }) = &mut output {
                    next.clear();
                }
                self.output(&output, view, None, redactor)
            }
        }
    }

    /// A text that a template made.
    pub fn text(&self, text: String, cluster: Option<&str>, redactor: &Redactor) -> String {
        let text = redactor.text(&text);
        let prefix = cluster.map(prefix).unwrap_or_default();
        cut(format!("{prefix}{}", block(text.trim_end())), self.budget)
    }

    /// An error, and the calls to make instead.
    pub fn error(&self, error: &Error, redactor: &Redactor) -> String {
        let mut out = self.writer(None, redactor);
        out.line(&format!("error: {}", block(&redactor.text(&error.message))));
        out.calls("Try", &error.next);
        out.finish()
    }

    /// A plan that was not carried out, and how to carry it out.
    pub fn planned(&self, planned: &Planned, redactor: &Redactor) -> String {
        let mut out = self.writer(None, redactor);
        change::render_planned(planned, &mut out);
        out.finish()
    }

    /// A plan as a question to a person.
    pub fn question(&self, planned: &Planned, redactor: &Redactor) -> String {
        let mut out = self.writer(None, redactor);
        change::render_question(planned, &mut out);
        out.finish()
    }

    /// A suggestion as a call, of a tool that works on a cluster with the cluster's name.
    fn call(&self, next: &Next) -> Option<String> {
        let is_named = next.args.iter().any(|(name, _)| name == "cluster");
        let named = self.cluster.as_deref().filter(|_| !is_named);
        named
            .and_then(|cluster| self.resolver.call(&next.clone().arg("cluster", cluster)))
            .or_else(|| self.resolver.call(next))
    }

    fn writer<'a>(&'a self, cluster: Option<&str>, redactor: &'a Redactor) -> Writer<'a> {
        Writer {
            stage: self,
            redactor,
            text: cluster.map(prefix).unwrap_or_default(),
            spent: 0,
            fresh: true,
        }
    }
}

fn prefix(cluster: &str) -> String {
    format!("[{}] ", line(cluster))
}

/// An answer that is being written.
pub(super) struct Writer<'a> {
    stage: &'a Stage,
    redactor: &'a Redactor,
    text: String,
    spent: usize,
    fresh: bool,
}

impl Writer<'_> {
    /// Adds a line (or several): what is passed was made safe by its caller.
    pub(super) fn line(&mut self, text: &str) {
        self.spent += tokens(text) + 1;
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// The tokens that are left.
    pub(super) fn room(&self) -> usize {
        self.stage.budget.saturating_sub(self.spent)
    }

    /// Whether nothing of what the answer is about has been written yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    pub(super) fn was_used(&mut self) {
        self.fresh = false;
    }

    pub(super) fn redactor(&self) -> &Redactor {
        self.redactor
    }

    /// Adds remarks, each on a line of its own.
    pub(super) fn notes(&mut self, notes: &[String]) {
        for note in notes.iter().take(NOTES) {
            let note = shortened(note, NOTE).into_owned();
            self.line(&line(&note));
        }
        if let Some(more) = notes.len().checked_sub(NOTES).filter(|more| *more > 0) {
            self.line(&format!("and {}", counted(more, "more remark")));
        }
    }

    /// Adds what to do next.
    pub(super) fn next(&mut self, next: &[Next]) {
        self.calls("Next", next);
    }

    fn calls(&mut self, word: &str, next: &[Next]) {
        let mut calls: Vec<String> = Vec::new();
        for next in next {
            let Some(call) = self.stage.call(next) else {
                continue;
            };
            let call = match &next.remark {
                Some(remark) => format!("{call} ({remark})"),
                None => call,
            };
            let call = line(&call).into_owned();
            if !calls.contains(&call) {
                calls.push(call);
            }
        }
        calls.truncate(SUGGESTED);
        if !calls.is_empty() {
            self.line(&format!("{word}: {}", calls.join("; ")));
        }
    }

    /// What the call has for this parameter of an operation, if it takes it.
    pub(super) fn taken(&self, word: &'static str) -> Option<&'static str> {
        let mut takes = self.stage.takes.iter();
        takes.find(|(known, _)| *known == word).map(|(_, name)| *name)
    }

    /// `narrow with since, tail or include`: those of these parameters that the call takes.
    pub(super) fn narrower(&self, words: &[&'static str]) -> Option<String> {
        let names: Vec<&str> = words.iter().filter_map(|word| self.taken(word)).collect();
        let (last, others) = names.split_last()?;
        Some(match others {
            [] => format!("narrow with {last}"),
            others => format!("narrow with {} or {last}", others.join(", ")),
        })
    }

    /// Adds a value as YAML or JSON, cut to what is left, and says what was cut.
    pub(super) fn value(&mut self, value: &serde_json::Value, view: Option<View>, spare: usize) {
        let room = self.room().saturating_sub(spare);
        let (text, cuts) = object::text_of(value, view, room);
        self.line(block(text.trim_end()).as_ref());
        if !cuts.is_empty() {
            let shown = cuts
                .iter()
                .take(6)
                .map(|cut| line(cut))
                .collect::<Vec<_>>()
                .join(", ");
            let more = cuts.len().saturating_sub(6);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let advice = match self.taken("fields") {
                Some(fields) => format!("; ask for a part with {fields}"),
                None => String::new(),
            };
            self.line(&format!("Cut to fit: {shown}{more}{advice}"));
        }
    }

    /// Adds a difference, as many of its lines as fit.
    pub(super) fn diff(&mut self, diff: &str) {
        let count = diff.lines().count();
        let room = self.room().saturating_sub(DIFF_RESERVE);
        let (mut spent, mut kept) = (0, 0);
        for text in diff.lines() {
            let text = shortened(text, NOTE);
            spent += tokens(&text) + 1;
            if spent > room && kept > 0 {
                break;
            }
            self.line(&line(&text));
            kept += 1;
        }
        if kept < count {
            let more = counted(count - kept, "more line");
            self.line(&format!("({more} of this difference)"));
        }
    }

    fn finish(self) -> String {
        cut(self.text.trim_end().to_owned(), self.stage.budget)
    }
}

/// What the lines after a difference may cost.
const DIFF_RESERVE: usize = 150;

/// YAML that stands on one line.
pub(super) fn on_one_line(value: &serde_json::Value) -> String {
    yaml::flow(value)
}
