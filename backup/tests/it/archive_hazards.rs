//! The list of hazards in `FORMAT.md` names only tests that there are.

use std::fs;
use std::path::Path;

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_list_of_hazards_names_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let format = fs::read_to_string(here.join("FORMAT.md")).unwrap();
    let (_, list) = format
        .split_once("| Hazard | What prevents it | Tests |")
        .unwrap();
    let mut code = String::new();
    sources(&here.join("src"), &mut code);
    sources(&here.join("tests"), &mut code);
    sources(&here.join("../tests/scenarios"), &mut code);
    let named: Vec<&str> = list
        .lines()
        .filter_map(|row| row.split('|').nth(3))
        .flat_map(|tests| tests.split('`').skip(1).step_by(2))
        .collect();
    assert!(!named.is_empty());
    for test in named {
        assert!(
            code.contains(&format!("fn {test}(")),
            "no test is called {test}"
        );
    }
}
