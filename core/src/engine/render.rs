//! stub
#![expect(missing_docs, reason = "stub")]
use crate::{
    Error,
    call::Planned,
    output::{Next, Output, Redactor},
};
use std::sync::Arc;
pub trait NextResolver: Send + Sync {
    fn call(&self, next: &Next) -> Option<String>;
}
#[derive(Clone, Copy, Debug)]
pub enum View {
    Table,
    Yaml,
    Json,
}
#[derive(Clone)]
pub struct Stage;
impl Stage {
    pub fn new(_b: usize, _r: Arc<dyn NextResolver>) -> Self {
        Self
    }
    pub fn share(&self, _n: usize) -> Self {
        Self
    }
    pub fn output(&self, _o: &Output, _v: Option<View>, _c: Option<&str>, _r: &Redactor) -> String {
        String::new()
    }
    pub fn bare(&self, _o: &Output, _v: Option<View>, _r: &Redactor) -> String {
        String::new()
    }
    pub fn text(&self, t: String, _c: Option<&str>, _r: &Redactor) -> String {
        t
    }
    pub fn error(&self, e: &Error, _r: &Redactor) -> String {
        e.message.clone()
    }
    pub fn planned(&self, _p: &Planned, _r: &Redactor) -> String {
        String::new()
    }
    pub fn question(&self, _p: &Planned, _r: &Redactor) -> String {
        String::new()
    }
}
