//! What a spec file may contain: one set of tables, read by the structural check and by the editors' schemas.

mod conform;
mod form;
mod forms;
mod value;

pub(crate) use conform::{Found, check_name, conform, name_is_good, spec_name, value_of};
pub use form::{Form, KeySpec, Shape};
pub use forms::{
    BINDING, COMPLETE, EXAMPLE, EXPECT, MESSAGE, OUTPUT, PARAM, PROMPT, PROMPT_PARAM, RESOURCE, STEP, TOOL,
    TOOLSET, TOOLSETS,
};
pub(crate) use value::{Bound, read};
