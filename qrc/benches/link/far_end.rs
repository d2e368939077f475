//! A Core of prepared bytes: answers what a watch asks, then pushes as fast as the socket accepts.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

const CONTROLS_EACH: usize = 50;
/// How many pushes are prepared at a time; every number of pushes asked for is a multiple of it.
const ROUND: usize = 128;

/// The far end as a process, which ends when this is dropped.
pub(crate) struct FarEnd {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl FarEnd {
    /// `controls` in the design, `changes` in each push, `pushes` pushes.
    pub(crate) fn start(controls: usize, changes: usize, pushes: usize) -> FarEnd {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("far-end")
            .args([controls, changes, pushes].map(|number| number.to_string()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        FarEnd {
            child,
            address: line.trim().parse().unwrap(),
        }
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process: serves one connection after the other.
pub(crate) fn run(arguments: &[String]) {
    let numbers: Vec<usize> = arguments.iter().map(|text| text.parse().unwrap()).collect();
    let design = Design::new(numbers[0], numbers[1], numbers[2]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        let _ = design.serve(stream.unwrap());
    }
}

struct Design {
    controls: usize,
    changes: usize,
    pushes: usize,
}

impl Design {
    fn new(controls: usize, changes: usize, pushes: usize) -> Design {
        Design {
            controls,
            changes,
            pushes,
        }
    }

    fn components(&self) -> usize {
        self.controls.div_ceil(CONTROLS_EACH)
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut input = BufReader::new(stream.try_clone()?);
        let mut request = Vec::new();
        loop {
            request.clear();
            if input.read_until(0, &mut request)? == 0 {
                return Ok(());
            }
            request.pop();
            let request: serde_json::Value = serde_json::from_slice(&request)?;
            let method = request["method"].as_str().unwrap_or_default();
            let mut reply = self.reply(method, &request["params"]);
            let id = &request["id"];
            reply = format!("{{\"jsonrpc\":\"2.0\",\"result\":{reply},\"id\":{id}}}\0");
            stream.write_all(reply.as_bytes())?;
            if method == "ChangeGroup.AutoPoll" && self.pushes > 0 {
                let group = request["params"]["Id"].as_str().unwrap_or_default();
                self.push(&mut stream, group)?;
            }
        }
    }

    fn reply(&self, method: &str, params: &serde_json::Value) -> String {
        match method {
            "StatusGet" => r#"{"Platform":"Core 110f","State":"Active","DesignName":"Bench","DesignCode":"zT4mQ9wXb2Lk","IsRedundant":false,"IsEmulator":false,"Status":{"Code":0,"String":"OK"}}"#.to_owned(),
            "Component.GetComponents" => {
                let all: Vec<String> = (0..self.components())
                    .map(|at| format!(r#"{{"ID":"Room_{at}_Mixer","Name":"Room_{at}_Mixer","Type":"mixer","Properties":[],"Controls":null,"ControlSource":2}}"#))
                    .collect();
                format!("[{}]", all.join(","))
            }
            "Component.GetControls" => {
                let name = params["Name"].as_str().unwrap_or_default();
                let all: Vec<String> = (0..CONTROLS_EACH)
                    .map(|at| format!(r#"{{"Name":"input.{at}.gain","Type":"Float","Value":-6.0,"ValueMin":-100.0,"ValueMax":20.0,"StringMin":"-100dB","StringMax":"20.0dB","String":"-6.00dB","Position":0.78333336,"Direction":"Read/Write"}}"#))
                    .collect();
                format!(r#"{{"Name":"{name}","Controls":[{}]}}"#, all.join(","))
            }
            "ChangeGroup.Poll" => {
                format!(r#"{{"Id":{},"Changes":[{}]}}"#, params["Id"], self.list(0, self.controls, 0))
            }
            _ => "true".to_owned(),
        }
    }

    /// `count` controls from `from` on, around the design; their values depend on `turn`.
    fn list(&self, from: usize, count: usize, turn: usize) -> String {
        let mut list = String::new();
        for at in (from..from + count).map(|at| at % self.controls) {
            let (component, control) = (at / CONTROLS_EACH, at % CONTROLS_EACH);
            let value = f64::from(u32::try_from((turn + at) % 600).unwrap()) / -10.0;
            let position = ((value + 100.0) / 120.0 * 1e8).trunc() / 1e8;
            let comma = if list.is_empty() { "" } else { "," };
            write!(
                list,
                r#"{comma}{{"Component":"Room_{component}_Mixer","Name":"input.{control}.gain","String":"{value:.1}dB","Value":{value:?},"Position":{position:?}}}"#
            )
            .unwrap();
        }
        list
    }

    fn push(&self, stream: &mut TcpStream, group: &str) -> std::io::Result<()> {
        // Prepared pushes; the second half gives each control another value than the first half.
        let round: Vec<u8> = (0..ROUND)
            .flat_map(|turn| {
                let other = if turn < ROUND / 2 { 1 } else { 301 };
                let from = turn % (ROUND / 2) * self.changes;
                let list = self.list(from, self.changes, turn + other);
                format!("{{\"jsonrpc\":\"2.0\",\"method\":\"ChangeGroup.Poll\",\"params\":{{\"Id\":\"{group}\",\"Changes\":[{list}]}}}}\0").into_bytes()
            })
            .collect();
        for _ in 0..self.pushes.div_ceil(ROUND) {
            stream.write_all(&round)?;
        }
        // Wait until the client has gone.
        std::io::copy(&mut stream.take(u64::MAX), &mut std::io::sink()).map(drop)
    }
}
