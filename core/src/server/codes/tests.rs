use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::*;
use crate::call::Digest;

fn binding() -> Binding {
    Binding {
        cluster: "prod-eu https://10.0.0.1".to_owned(),
        caller: "stdio".to_owned(),
        tool: "things_delete".to_owned(),
        arguments: BTreeMap::from([
            ("name".to_owned(), Digest::of(&"web")),
            ("namespace".to_owned(), Digest::of(&"shop")),
        ]),
        plan: Digest::of(&["delete web"]),
    }
}

/// A clock that a test moves on, in seconds.
fn clock() -> (MemoryCodes, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let read = Arc::clone(&seconds);
    let codes = MemoryCodes::with_clock(move || start + Duration::from_secs(read.load(Ordering::Relaxed)));
    (codes, seconds)
}

/// A code of the right shape that is not `code`.
fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &code[..code.len() - 1])
}

#[test]
fn a_code_counts_once() {
    let codes = MemoryCodes::new();
    let code = codes.issue(binding());
    assert_eq!(codes.redeem(&code, &binding()), Ok(()));
    assert_eq!(codes.redeem(&code, &binding()), Err(CodeError::Unknown));
}

#[test]
fn a_code_is_read_as_people_and_models_write_it() {
    let codes = MemoryCodes::new();
    let code = codes.issue(binding());
    assert_eq!(code.len(), 7);
    assert_eq!(code.as_bytes()[2], b'-');
    assert_eq!(
        codes.redeem(&format!(" {} ", code.to_uppercase().replace('-', "")), &binding()),
        Ok(())
    );
}

#[test]
fn a_code_counts_for_five_minutes() {
    let (codes, seconds) = clock();
    let early = codes.issue(binding());
    let late = codes.issue(binding());
    seconds.store(299, Ordering::Relaxed);
    assert_eq!(codes.redeem(&early, &binding()), Ok(()));
    seconds.store(300, Ordering::Relaxed);
    assert_eq!(codes.redeem(&late, &binding()), Err(CodeError::Unknown));
}

#[test]
fn a_code_counts_for_what_it_was_given_for_and_is_not_burnt_by_a_mistake() {
    let codes = MemoryCodes::new();
    let code = codes.issue(binding());
    let refused = |change: &dyn Fn(&mut Binding)| {
        let mut used = binding();
        change(&mut used);
        codes.redeem(&code, &used).unwrap_err()
    };
    assert_eq!(
        refused(&|used| used.cluster = "staging".to_owned()),
        CodeError::Cluster
    );
    assert_eq!(
        refused(&|used| used.caller = "other".to_owned()),
        CodeError::Caller
    );
    assert_eq!(
        refused(&|used| used.tool = "things_scale".to_owned()),
        CodeError::Tool
    );
    assert_eq!(
        refused(&|used| used.plan = Digest::of(&["delete api"])),
        CodeError::Plan
    );
    assert_eq!(
        refused(&|used| {
            used.arguments.insert("name".to_owned(), Digest::of(&"api"));
        }),
        CodeError::Argument("name".to_owned())
    );
    assert_eq!(
        refused(&|used| {
            used.arguments.insert("force".to_owned(), Digest::of(&true));
        }),
        CodeError::Argument("force".to_owned())
    );
    assert_eq!(
        refused(&|used| {
            used.arguments.remove("namespace");
        }),
        CodeError::Argument("namespace".to_owned())
    );
    assert_eq!(codes.redeem(&code, &binding()), Ok(()));
}

#[test]
fn five_wrong_codes_void_the_callers_live_ones_and_no_others() {
    let codes = MemoryCodes::new();
    let code = codes.issue(binding());
    let other = Binding {
        caller: "other".to_owned(),
        ..binding()
    };
    let of_other = codes.issue(other.clone());
    for _ in 0..4 {
        assert_eq!(codes.redeem(&wrong(&code), &binding()), Err(CodeError::Unknown));
    }
    let second = codes.issue(binding());
    assert_eq!(
        codes.redeem(&second, &binding()),
        Ok(()),
        "four wrong ones void nothing"
    );
    for _ in 0..5 {
        assert_eq!(codes.redeem(&wrong(&code), &binding()), Err(CodeError::Unknown));
    }
    assert_eq!(codes.redeem(&code, &binding()), Err(CodeError::Unknown));
    assert_eq!(codes.redeem(&of_other, &other), Ok(()));
}

#[test]
fn a_yes_is_no_guess_but_anothers_code_is() {
    let codes = MemoryCodes::new();
    let code = codes.issue(binding());
    for _ in 0..10 {
        for word in ["yes", "true", "", "confirmed", "ILOVEU"] {
            assert_eq!(codes.redeem(word, &binding()), Err(CodeError::Unknown));
        }
    }
    assert_eq!(codes.redeem(&code, &binding()), Ok(()));

    let other = Binding {
        caller: "other".to_owned(),
        ..binding()
    };
    let mine = codes.issue(binding());
    let of_other = codes.issue(other);
    for _ in 0..5 {
        assert_eq!(codes.redeem(&of_other, &binding()), Err(CodeError::Caller));
    }
    assert_eq!(codes.redeem(&mine, &binding()), Err(CodeError::Unknown));
}

#[test]
fn codes_are_bounded_by_caller_and_altogether() {
    let (codes, seconds) = clock();
    let first = codes.issue(binding());
    for second in 1..=CALLER_LIMIT as u64 {
        seconds.store(second, Ordering::Relaxed);
        codes.issue(binding());
    }
    assert_eq!(codes.state().live.len(), CALLER_LIMIT);
    assert_eq!(
        codes.redeem(&first, &binding()),
        Err(CodeError::Unknown),
        "the oldest went"
    );
    for caller in 0..2 * LIMIT {
        codes.issue(Binding {
            caller: caller.to_string(),
            ..binding()
        });
    }
    assert_eq!(codes.state().live.len(), LIMIT);
}
