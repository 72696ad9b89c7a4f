use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use serde_json::json;

use super::*;

fn wants(code: &str) -> Answer {
    Answer {
        text: format!("NOT DONE YET, code {code}"),
        is_error: false,
        consent: Some(ConsentRequest {
            question: "delete web?".to_owned(),
            code: code.to_owned(),
        }),
    }
}

fn done(text: String) -> Answer {
    Answer {
        text,
        is_error: false,
        consent: None,
    }
}

fn responses(response: serde_json::Value) -> InputResponses {
    InputResponses::from([(FIELD.to_owned(), response)])
}

#[tokio::test]
async fn a_yes_redeems_the_code_and_a_no_does_nothing() {
    let answer = settle(
        wants("k7-4F2Q"),
        |question| {
            assert_eq!(question, "delete web?");
            async { Said::Yes }.boxed()
        },
        |code| async move { done(format!("Deleted with {code}")) }.boxed(),
    )
    .await;
    assert_eq!(answer.text, "Deleted with k7-4F2Q");

    let answer = settle(
        wants("k7-4F2Q"),
        |_| async { Said::No("declined") }.boxed(),
        |_| async { panic!("called again after a no") }.boxed(),
    )
    .await;
    assert_eq!(answer.text, "NOT DONE: declined; nothing was changed");
}

#[tokio::test]
async fn a_plan_that_changes_is_asked_for_again_but_not_for_ever() {
    let asked = AtomicUsize::new(0);
    let ask = |_| {
        asked.fetch_add(1, Ordering::Relaxed);
        async { Said::Yes }.boxed()
    };
    let answer = settle(wants("a"), ask, |code| {
        async move {
            if code == "a" {
                wants("b")
            } else {
                done("Deleted".to_owned())
            }
        }
        .boxed()
    })
    .await;
    assert_eq!(answer.text, "Deleted");
    assert_eq!(asked.swap(0, Ordering::Relaxed), 2);

    let answer = settle(wants("a"), ask, |_| async { wants("secret-code") }.boxed()).await;
    assert_eq!(asked.load(Ordering::Relaxed), ROUNDS);
    assert!(answer.text.starts_with("NOT DONE") && !answer.text.contains("secret-code"));
    assert_eq!(answer.consent, None);
}

#[test]
fn only_a_ticked_box_is_consent() {
    let said = |json| Said::of(&serde_json::from_value(json).unwrap());
    assert_eq!(
        said(json!({"action": "accept", "content": {"confirm": true}})),
        Said::Yes
    );
    for json in [
        json!({"action": "accept"}),
        json!({"action": "accept", "content": {}}),
        json!({"action": "accept", "content": {"confirm": false}}),
        json!({"action": "accept", "content": {"confirm": "true"}}),
        json!({"action": "decline", "content": {"confirm": true}}),
        json!({"action": "cancel"}),
    ] {
        assert_ne!(said(json.clone()), Said::Yes, "{json}");
    }
}

#[test]
fn a_client_can_ask_if_it_says_so() {
    let can = |json| can_ask(Some(&serde_json::from_value(json).unwrap()));
    assert!(can(json!({"elicitation": {}})));
    assert!(can(json!({"elicitation": {"form": {}}})));
    assert!(!can(json!({"elicitation": {"url": {}}})));
    assert!(!can(json!({})));
    assert!(!can_ask(None));
}

#[test]
fn a_handle_stands_for_a_code_once_and_for_its_tool() {
    let questions = Questions::default();
    let put = || {
        let asked = questions
            .put("things_delete", wants("k7-4F2Q").consent.unwrap())
            .unwrap();
        let wire = serde_json::to_value(&asked).unwrap();
        assert_eq!(wire["resultType"], "input_required");
        assert_eq!(wire["inputRequests"]["confirm"]["method"], "elicitation/create");
        assert!(!wire.to_string().contains("k7-4F2Q"), "the code stays here");
        asked.request_state.unwrap()
    };
    let yes = responses(json!({"action": "accept", "content": {"confirm": true}}));
    let no = responses(json!({"action": "decline"}));

    let handle = put();
    assert_eq!(questions.take("things_scale", Some(&handle), Some(&yes)), None);
    assert_eq!(
        questions.take("things_delete", Some(&handle), Some(&yes)),
        Some(Ok("k7-4F2Q".to_owned()))
    );
    assert_eq!(
        questions.take("things_delete", Some(&handle), Some(&yes)),
        None,
        "it counts once"
    );

    let handle = put();
    assert_eq!(
        questions.take("things_delete", Some(&handle), Some(&no)),
        Some(Err("declined"))
    );
    assert_eq!(
        questions.take("things_delete", Some(&handle), Some(&yes)),
        None,
        "a no is final"
    );
    let handle = put();
    assert!(
        questions
            .take("things_delete", Some(&handle), None)
            .unwrap()
            .is_err()
    );
    assert_eq!(questions.take("things_delete", Some("forged"), Some(&yes)), None);
    assert_eq!(questions.take("things_delete", None, Some(&yes)), None);
}

#[test]
fn open_questions_are_bounded() {
    let questions = Questions::default();
    for _ in 0..OPEN + 10 {
        questions
            .put("things_delete", wants("k7-4F2Q").consent.unwrap())
            .unwrap();
    }
    assert_eq!(questions.open().len(), OPEN);
}
