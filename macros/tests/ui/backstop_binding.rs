include!("core.rs");

mod operations {
    use kube_mcp_macros::operation;

    use crate::{
        call::{Cx, Result},
        output::Table,
    };

    /// Lists.
    #[operation("things.list", read)]
    pub async fn list(_cx: &Cx, kind: String, name: Option<String>) -> Result<Table> {
        let _ = (kind, name);
        Ok(Table)
    }
}

// What generated code would look like if the checks had let these pass.
fn main() {
    use operations::list;
    let mut values = call::Values;
    let _ = list::Params {
        kind: values.take::<u32>("kind", "spec/tools/core/things.yaml:8:3"),
        names: values.take("names", "spec/tools/core/things.yaml:9:3"),
    };
    let _ = || -> std::result::Result<list::Params, call::BindError> {
        Ok(list::Params {
            kind: values.take("kind", "spec/tools/core/things.yaml:8:3")?,
        })
    };
}
