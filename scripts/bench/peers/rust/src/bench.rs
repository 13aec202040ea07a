//! Certificates, the line protocol of `driver.ts`, and repetitions.

use std::future::Future;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::{Certificate, Identity};

/// How much was done, and the figure.
pub struct Done {
    pub count: usize,
    pub value: f64,
}

/// What an end shows, and what it trusts.
pub struct Tls {
    pub ca: Certificate,
    pub identity: Identity,
}

impl Tls {
    pub fn of(name: &str) -> Tls {
        let folder = std::env::var("BENCH_FOLDER").unwrap();
        let read = |file: &str| std::fs::read(format!("{folder}/{file}")).unwrap();
        Tls {
            ca: Certificate::from_pem(read("ca.pem")),
            identity: Identity::from_pem(read(&format!("{name}.pem")), read(&format!("{name}.key"))),
        }
    }
}

/// This program as a server in a process of its own, which ends with this.
pub struct Server {
    pub port: String,
    process: Child,
}

impl Server {
    pub fn start() -> Server {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = command.arg("server").stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        let stdout = process.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut port).unwrap();
        Server { port: port.trim().into(), process }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Answers tasks on standard input until it ends; without a figure where a scenario is not known.
pub fn answer(server: &Server, mut measure: impl FnMut(&[&str], Duration) -> Option<Done>) {
    let pids = [std::process::id(), server.process.id()];
    for line in std::io::stdin().lines() {
        let task: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let parts: Vec<&str> = task["scenario"].as_str().unwrap().split('-').collect();
        let duration = Duration::from_secs_f64(task["durationMs"].as_f64().unwrap() / 1e3);
        let before = processor_us(pids);
        let figure = match measure(&parts, duration) {
            None => serde_json::json!({}),
            Some(Done { count, value }) => {
                let us = (processor_us(pids) - before) / count.max(1) as f64;
                serde_json::json!({ "value": value, "cpuUs": us })
            }
        };
        println!("{figure}");
    }
}

/// What `processor_time.ts` reads: microseconds in steps of 10 ms.
fn processor_us(pids: [u32; 2]) -> f64 {
    let ticks = |pid: u32| -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum()
    };
    pids.into_iter().map(ticks).sum::<f64>() * 10_000.0
}

/// How many calls a second so many callers make; of one, the median time in milliseconds.
pub async fn calls<F: Future<Output = ()>>(
    callers: usize,
    duration: Duration,
    once: impl Fn() -> F,
) -> Done {
    if callers > 1 {
        return rate(callers, duration, once).await;
    }
    let end = Instant::now() + duration;
    let mut taken = vec![];
    while Instant::now() < end {
        let start = Instant::now();
        once().await;
        taken.push(start.elapsed());
    }
    median(taken)
}

/// How often something is done a second, so many at a time.
pub async fn rate<F: Future<Output = ()>>(
    at_once: usize,
    duration: Duration,
    once: impl Fn() -> F,
) -> Done {
    let start = Instant::now();
    let count = sum(at_once, || async {
        let mut count = 0;
        while start.elapsed() < duration {
            once().await;
            count += 1;
        }
        count
    })
    .await;
    Done { count, value: count as f64 / start.elapsed().as_secs_f64() }
}

/// Items a second of so many streams, or MB a second where they are large.
pub async fn items<F: Future<Output = usize>>(
    size: &str,
    streams: usize,
    one: impl Fn(usize) -> F,
) -> Done {
    let bytes = bytes_of(size);
    let start = Instant::now();
    let count = sum(streams, || one(bytes)).await;
    let per_second = count as f64 / start.elapsed().as_secs_f64();
    let value = if bytes < 1000 { per_second } else { per_second * bytes as f64 / 1e6 };
    Done { count, value }
}

/// The median in milliseconds.
pub fn median(mut taken: Vec<Duration>) -> Done {
    taken.sort();
    let middle = taken.get(taken.len() / 2).copied().unwrap_or_default();
    Done { count: taken.len(), value: middle.as_secs_f64() * 1e3 }
}

/// What "32", "64k" and "1m" stand for.
fn bytes_of(text: &str) -> usize {
    let (digits, factor) = match text.as_bytes().last() {
        Some(b'k') => (&text[..text.len() - 1], 1024),
        Some(b'm') => (&text[..text.len() - 1], 1024 * 1024),
        _ => (text, 1),
    };
    digits.parse::<usize>().unwrap() * factor
}

/// Runs the same so many times side by side and adds up the results.
async fn sum<F: Future<Output = usize>>(parallel: usize, one: impl Fn() -> F) -> usize {
    let (done, results) = tokio::sync::mpsc::unbounded_channel();
    let all: Vec<_> = (0..parallel)
        .map(|_| {
            let (run, done) = (one(), done.clone());
            async move { done.send(run.await).unwrap() }
        })
        .collect();
    drop(done);
    let total = UnboundedReceiverStream::new(results).fold(0, |sum, count| sum + count);
    tokio::join!(futures_util::future::join_all(all), total).1
}
