//! Consent against a scripted API server, with the codes that the server keeps.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{
    call::{Access, Call, Cx, Mode},
    cluster::{Patch, Preconditions, testing::Script},
    output::{ChangeItem, Outcome, Verb},
    server::MemoryCodes,
};

fn item(name: &str) -> ChangeItem {
    ChangeItem {
        verb: Verb::Delete,
        kind: "ConfigMap".to_owned(),
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
        uid: Some(format!("uid-of-{name}")),
        result: Outcome::Planned,
        diff: String::new(),
        error: None,
    }
}

fn plan(names: &[&str]) -> Plan {
    Plan {
        summary: format!("delete {} objects", names.len()),
        items: names.iter().map(|name| item(name)).collect(),
        ..Plan::default()
    }
}

/// Calls of one tool that share their codes.
struct Calls {
    script: Script,
    codes: Arc<dyn Codes>,
}

impl Calls {
    fn new() -> Self {
        Self {
            script: Script::new(),
            codes: Arc::new(MemoryCodes::new()),
        }
    }

    fn cx(&self, access: Access, change: impl FnOnce(&mut Call)) -> Cx {
        self.script.cx_with(access, |call| {
            call.codes = Arc::clone(&self.codes);
            call.tool = "things_delete".to_owned();
            call.arguments
                .insert("selector".to_owned(), Value::from("app=web"));
            change(call);
        })
    }

    /// The code of a plan that asks.
    async fn code(&self, plan: Plan) -> String {
        match self.cx(Access::Destructive, |_| {}).approve(plan).await {
            Err(Stop::Planned(planned)) => match planned.why {
                Why::Consent { code, .. } => code,
                Why::DryRun => panic!("a dry run"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// Why the code does not count for this plan and call; a new one is given with the reason.
    async fn rejected(&self, code: &str, plan: Plan, change: impl FnOnce(&mut Call)) -> String {
        let cx = self.cx(Access::Destructive, |call| {
            call.confirm = Some(code.to_owned());
            change(call);
        });
        match cx.approve(plan).await {
            Err(Stop::Planned(planned)) => match planned.why {
                Why::Consent {
                    code: new, rejected, ..
                } => {
                    assert_ne!(new, code);
                    rejected.expect("a reason")
                }
                Why::DryRun => panic!("a dry run"),
            },
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_code_carries_out_its_plan_once() {
    let calls = Calls::new();
    let code = calls.code(plan(&["a"])).await;
    let cx = calls.cx(Access::Destructive, |call| call.confirm = Some(code.clone()));
    assert!(cx.approve(plan(&["a"])).await.is_ok());
    assert!(
        calls
            .rejected(&code, plan(&["a"]), |_| {})
            .await
            .contains("not valid any more")
    );
}

#[tokio::test]
async fn a_code_counts_for_nothing_else() {
    let calls = Calls::new();
    let code = calls.code(plan(&["a"])).await;
    let reason = calls
        .rejected(&code, plan(&["a"]), |call| {
            call.arguments
                .insert("selector".to_owned(), Value::from("app=db"));
        })
        .await;
    assert_eq!(reason, "the code was given for another value of selector");
    let reason = calls
        .rejected(&code, plan(&["a"]), |call| call.tool = "others_delete".to_owned())
        .await;
    assert_eq!(reason, "the code was given for another tool");
    let reason = calls
        .rejected(&code, plan(&["a"]), |call| call.caller.id = "someone".to_owned())
        .await;
    assert_eq!(reason, "the code was given to another caller");
}

#[tokio::test]
async fn a_code_counts_for_its_cluster_only() {
    let calls = Calls::new();
    let code = calls.code(plan(&["a"])).await;
    let clusters = calls.script.clusters(&["test", "other"]);
    let cx = calls.cx(Access::Destructive, |call| call.confirm = Some(code));
    let other = clusters.get(Some("other")).unwrap();
    let elsewhere = Cx::new(other, Arc::clone(cx.call()), Access::Destructive);
    match elsewhere.approve(plan(&["a"])).await {
        Err(Stop::Planned(planned)) => {
            assert!(matches!(&planned.why, Why::Consent { rejected: Some(reason), .. }
                if reason == "the code was given for another cluster"))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plan_that_has_changed_is_asked_for_anew() {
    let calls = Calls::new();
    // The selector matched nothing then, and matches now.
    let code = calls.code(plan(&[])).await;
    let reason = calls.rejected(&code, plan(&["a"]), |_| {}).await;
    assert_eq!(reason, "the plan has changed since the code was given");
    // An object of the same name that was made anew is another one.
    let code = calls.code(plan(&["a"])).await;
    let mut anew = plan(&["a"]);
    anew.items[0].uid = Some("another".to_owned());
    let reason = calls.rejected(&code, anew, |_| {}).await;
    assert_eq!(reason, "the plan has changed since the code was given");
}

#[tokio::test]
async fn modes_decide_what_runs_asks_and_is_refused() {
    let calls = Calls::new();
    let ended = async |mode: Mode, access: Access, change: fn(&mut Call)| {
        let cx = calls.cx(access, |call| {
            call.mode = mode;
            change(call);
        });
        match cx.approve(plan(&["a"])).await {
            Ok(_) => "runs",
            Err(Stop::Planned(planned)) if planned.why == Why::DryRun => "dry run",
            Err(Stop::Planned(_)) => "asks",
            Err(Stop::Error(_)) => "refused",
        }
    };
    assert_eq!(ended(Mode::ReadOnly, Access::Write, |_| {}).await, "refused");
    assert_eq!(
        ended(Mode::ReadOnly, Access::Write, |call| call.dry_run = true).await,
        "refused"
    );
    assert_eq!(ended(Mode::Guarded, Access::Write, |_| {}).await, "runs");
    assert_eq!(
        ended(Mode::Guarded, Access::Write, |call| call.always_confirm = true).await,
        "asks"
    );
    assert_eq!(ended(Mode::Guarded, Access::Destructive, |_| {}).await, "asks");
    assert_eq!(
        ended(Mode::Guarded, Access::Destructive, |call| call.dry_run = true).await,
        "dry run"
    );
    assert_eq!(ended(Mode::Guarded, Access::Exec, |_| {}).await, "asks");
    assert_eq!(ended(Mode::Full, Access::Exec, |_| {}).await, "runs");
    let ask_only: fn(&mut Call) = |call| call.consent = Consent::Refused;
    assert_eq!(
        ended(Mode::Guarded, Access::Destructive, ask_only).await,
        "refused"
    );
}

#[tokio::test]
async fn a_plan_may_be_graver_than_its_operation() {
    let calls = Calls::new();
    let grave = Plan {
        access: Some(Access::Destructive),
        ..plan(&["a"])
    };
    let Err(Stop::Planned(planned)) = calls.cx(Access::Write, |_| {}).approve(grave).await else {
        panic!("it ran");
    };
    assert!(matches!(
        planned.why,
        Why::Consent {
            access: Access::Destructive,
            ..
        }
    ));
}

#[tokio::test]
async fn only_what_was_approved_can_write_and_no_further_than_its_operation() {
    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}});
    let path = "/api/v1/namespaces/shop/configmaps/a";
    let calls = Calls {
        script: Script::new().on("PATCH", path, object),
        ..Calls::new()
    };
    let cx = calls.cx(Access::Write, |_| {});
    let resource = cx.resolve(&crate::call::KindRef("cm".to_owned())).await.unwrap();
    let patch = Patch::Merge(json!({"metadata": {"labels": {"x": "y"}}}));
    let none = Preconditions::default();
    let reader = cx.client();
    assert!(
        reader
            .patch(&resource, Some("shop"), "a", &patch, &none)
            .await
            .is_err()
    );
    assert!(
        calls.script.requests().is_empty(),
        "the guard refuses before anything is sent"
    );

    let approved = cx.approve(plan(&["a"])).await.unwrap();
    approved
        .client()
        .patch(&resource, Some("shop"), "a", &patch, &none)
        .await
        .unwrap();
    assert!(
        approved
            .client()
            .delete(&resource, Some("shop"), "a", &none)
            .await
            .is_err()
    );
    assert_eq!(calls.script.requests().len(), 1);

    cx.rehearsal()
        .patch(&resource, Some("shop"), "a", &patch, &none)
        .await
        .unwrap();
    let rehearsed = calls.script.requests().pop().unwrap();
    assert_eq!(rehearsed.query.get("dryRun").map(String::as_str), Some("All"));
}
