//! Only one agent to a store; a dead one leaves no lock behind.

use crate::stage::{EmulatedCore, Site, failed};

#[test]
fn a_second_agent_refuses_with_the_pid_of_the_first() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let first = site.recording_agent();
    let (code, said) = failed(&site.run(&["run"]));
    assert_eq!(code, 1);
    assert!(said.contains(&first.id().to_string()), "{said}");
    assert!(said.contains("another agent"), "{said}");

    // kill -9, not a farewell.
    first.kill();
    let second = site.recording_agent();
    assert_eq!(second.terminate(), 0);
}
