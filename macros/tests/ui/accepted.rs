include!("core.rs");

mod operations {
    use kube_mcp_macros::{Choice, operation};

    use crate::{
        call::{Cx, Page, Result},
        output::Table,
    };

    #[derive(Clone, Copy, Debug, PartialEq, Choice)]
    pub enum Order {
        NewestFirst,
        #[choice(name = "old")]
        OldestFirst,
    }

    /// Lists.
    #[operation("things.list", read, long)]
    pub async fn list(
        _cx: &Cx,
        /// Which.
        order: Order,
        r#type: Option<String>,
        _page: Page,
    ) -> Result<Table> {
        let _ = (order, r#type);
        Ok(Table)
    }
}

fn main() {
    use call::Choice as _;
    let mut values = call::Values;
    let params = operations::list::Params {
        order: operations::Order::from_name("OLD").unwrap(),
        r#type: values.take("type", "spec/tools/core/things.yaml:1:1").unwrap(),
        page: call::Page,
    };
    assert_eq!(params.order, operations::Order::OldestFirst);
    assert_eq!(operations::Order::NewestFirst.name(), "newest-first");
    assert_eq!(operations::list::OPERATION.params[1].ty, "Option<String>");
    drop(operations::list::call(&call::Cx, params));
}
