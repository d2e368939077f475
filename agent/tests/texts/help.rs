//! What `--help` says, of the program and of each verb.

use crate::stage::{Stage, same_as};

#[test]
fn the_help_of_the_program_and_of_every_verb() {
    let stage = Stage::new();
    let main = stage.says(&["--help"]);
    let name = match cfg!(feature = "demo") {
        true => "help",
        false => "help_without_demo",
    };
    same_as(name, &main);
    let commands = main.split("Commands:\n").nth(1).unwrap();
    let commands = commands.split("\n\n").next().unwrap();
    // A verb's line begins with two spaces, a line that goes on with more.
    let verbs = commands.lines().filter_map(|line| {
        let verb = line
            .strip_prefix("  ")
            .filter(|rest| !rest.starts_with(' '))?;
        verb.split_whitespace().next()
    });
    let mut told = 0;
    for verb in verbs.filter(|verb| *verb != "help") {
        same_as(&format!("help_{verb}"), &stage.says(&[verb, "--help"]));
        told += 1;
    }
    assert!(told > 15, "{main}");
}
