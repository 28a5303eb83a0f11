//! Runs of traffic: closed loops, where every connection sends when it has its answer, and open loops, where requests
//! are due at fixed moments whether or not the server keeps up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cpu::{Meter, Used};
use crate::http::{Call, Connection, Target};
use crate::traffic::Traffic;

/// Longer is recorded as this long.
const LATENCY_US_MAX: u64 = 60_000_000;
/// The pause after an answer that asks to come back later, and after a lost connection.
const PAUSE: Duration = Duration::from_millis(20);

/// How a run went.
#[derive(Clone)]
pub struct Run {
    /// Of successes, in microseconds.
    pub latency: Histogram<u64>,
    /// How often each status was answered.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer.
    pub lost: u64,
    /// What else was answered, the first of it.
    pub refusal: Option<String>,
    pub elapsed: Duration,
    pub cpu: Used,
}

impl Run {
    /// Requests that succeeded.
    pub fn done(&self) -> u64 {
        self.statuses.range(200..300).map(|(_, count)| count).sum()
    }

    /// Requests that did not.
    pub fn failed(&self) -> u64 {
        self.statuses.values().sum::<u64>() - self.done() + self.lost
    }

    /// Successes per second.
    pub fn rate(&self) -> f64 {
        self.done() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// A quantile of the latency, in milliseconds.
    pub fn ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// Microseconds of processor time for each success.
    pub fn us_each(&self, used: Duration) -> f64 {
        used.as_secs_f64() * 1e6 / self.done().max(1) as f64
    }
}

/// What the connections of a run write into.
struct Tally {
    latency: Histogram<u64>,
    statuses: BTreeMap<u16, u64>,
    lost: u64,
    refusal: Option<String>,
}

impl Tally {
    fn new() -> Self {
        let latency = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are in order");
        Self { latency, statuses: BTreeMap::new(), lost: 0, refusal: None }
    }
}

/// One run's share of every connection.
struct Shared<T> {
    target: Target,
    traffic: Arc<T>,
    next: AtomicU64,
    tally: Mutex<Tally>,
    over: AtomicBool,
}

impl<T: Traffic> Shared<T> {
    fn new(target: &Target, traffic: &Arc<T>) -> Arc<Self> {
        Arc::new(Self {
            target: target.clone(),
            traffic: traffic.clone(),
            next: AtomicU64::new(0),
            tally: Mutex::new(Tally::new()),
            over: AtomicBool::new(false),
        })
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn with<R>(&self, change: impl FnOnce(&mut Tally) -> R) -> R {
        change(&mut self.tally.lock().expect("nothing panics while it holds this"))
    }

    /// Sends the next request. Its latency counts from `due`. Answers whether the connection is still good.
    async fn send(&self, connection: &mut Connection, call: &mut Call, due: Option<Instant>) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.traffic.write(number, call);
        let begun = due.unwrap_or_else(Instant::now);
        let Ok(answer) = connection.send(&self.target, call).await else {
            // A request that the run's end cut off is neither a success nor a failure.
            if !self.is_over() {
                self.with(|tally| tally.lost += 1);
            }
            return false;
        };
        if self.is_over() {
            return true;
        }
        self.traffic.answered(number, &answer);
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(LATENCY_US_MAX);
        let later = answer.status == 429 || answer.status == 503;
        self.with(|tally| {
            *tally.statuses.entry(answer.status).or_insert(0) += 1;
            if answer.status < 300 {
                tally.latency.saturating_record(took);
            } else if tally.refusal.is_none() {
                tally.refusal = Some(String::from_utf8_lossy(answer.body).chars().take(300).collect());
            }
        });
        if later {
            tokio::time::sleep(PAUSE).await;
        }
        true
    }

    /// A connection, or nothing once the run is over.
    async fn connect(&self) -> Option<Connection> {
        while !self.is_over() {
            if let Ok(connection) = Connection::open(&self.target).await {
                return Some(connection);
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    fn run(&self, elapsed: Duration, cpu: Used) -> Run {
        self.with(|tally| Run {
            latency: tally.latency.clone(),
            statuses: tally.statuses.clone(),
            lost: tally.lost,
            refusal: tally.refusal.clone(),
            elapsed,
            cpu,
        })
    }
}

/// Every connection sends as soon as it has its answer. What is still under way at the end does not count.
pub async fn closed<T: Traffic>(
    target: &Target,
    traffic: &Arc<T>,
    connections: usize,
    duration: Duration,
    server: Option<u32>,
) -> Run {
    let shared = Shared::new(target, traffic);
    let meter = Meter::start(server);
    let begun = Instant::now();
    let mut tasks = loops(&shared, connections);
    tokio::time::sleep(duration).await;
    shared.over.store(true, Ordering::Relaxed);
    let (elapsed, cpu) = (begun.elapsed(), meter.read());
    // Those under way are heard out, so that nothing of this run falls into the next one.
    let heard_out = tokio::time::timeout(Duration::from_secs(10), async { while tasks.join_next().await.is_some() {} });
    let _ = heard_out.await;
    shared.run(elapsed, cpu)
}

/// The same, but at the end the server is killed in the middle of its work. The figures are of the moment before.
pub async fn closed_until<T: Traffic, R>(
    target: &Target,
    traffic: &Arc<T>,
    connections: usize,
    duration: Duration,
    server: u32,
    kill: impl Future<Output = R>,
) -> (Run, R) {
    let shared = Shared::new(target, traffic);
    let meter = Meter::start(Some(server));
    let begun = Instant::now();
    let mut tasks = loops(&shared, connections);
    tokio::time::sleep(duration).await;
    // Nothing that is answered from here on counts, and nothing that was answered before may be lost.
    shared.over.store(true, Ordering::Relaxed);
    let (elapsed, cpu) = (begun.elapsed(), meter.read());
    let killed = kill.await;
    tasks.shutdown().await;
    (shared.run(elapsed, cpu), killed)
}

fn loops<T: Traffic>(shared: &Arc<Shared<T>>, connections: usize) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let shared = shared.clone();
        tasks.spawn(async move {
            let mut call = Call::default();
            while let Some(mut connection) = shared.connect().await {
                while !shared.is_over() && shared.send(&mut connection, &mut call, None).await {}
            }
        });
    }
    tasks
}

/// Requests are due at a fixed rate. Each one's latency counts from the moment at which it was due, so that a server
/// that stalls is charged for everything that it kept waiting.
pub async fn open<T: Traffic>(
    target: &Target,
    traffic: &Arc<T>,
    connections: usize,
    rate: f64,
    duration: Duration,
    server: Option<u32>,
) -> Run {
    let shared = Shared::new(target, traffic);
    let mut tasks = JoinSet::new();
    // There is room for every ticket: a server that does not keep up must not hold the clock up.
    let count = (rate * duration.as_secs_f64()) as usize;
    let (tickets, waiting) = mpsc::channel::<Instant>(count.max(1));
    let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
    let meter = Meter::start(server);
    let begun = Instant::now();
    for _ in 0..connections {
        let (shared, waiting) = (shared.clone(), waiting.clone());
        tasks.spawn(async move {
            let mut call = Call::default();
            let Some(mut connection) = shared.connect().await else { return };
            while let Some(due) = async { waiting.lock().await.recv().await }.await {
                if !shared.send(&mut connection, &mut call, Some(due)).await {
                    let Some(again) = shared.connect().await else { return };
                    connection = again;
                }
            }
        });
    }
    // A thread of its own: the timer of the runtime has a grain of a millisecond.
    let clock = std::thread::spawn(move || hand_out(&tickets, rate, count));
    // The tasks end when the clock has handed out its last ticket and all are answered.
    let limit = duration + Duration::from_secs(20);
    let finished = tokio::time::timeout(limit, async { while tasks.join_next().await.is_some() {} }).await;
    shared.over.store(true, Ordering::Relaxed);
    let (elapsed, cpu) = (begun.elapsed(), meter.read());
    if finished.is_err() {
        tasks.shutdown().await;
    }
    drop(waiting);
    let _ = clock.join();
    shared.run(elapsed, cpu)
}

#[expect(clippy::disallowed_methods, reason = "the clock has a thread of its own, which no task runs on")]
fn hand_out(tickets: &mpsc::Sender<Instant>, rate: f64, count: usize) {
    let first = Instant::now() + Duration::from_millis(20);
    for number in 0..count {
        let due = first + Duration::from_secs_f64(number as f64 / rate);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if tickets.blocking_send(due).is_err() {
            break;
        }
    }
}

/// Every client sends one request, all at once.
pub async fn burst<T: Traffic>(target: &Target, traffic: &Arc<T>, clients: usize, server: Option<u32>) -> Run {
    let shared = Shared::new(target, traffic);
    let barrier = Arc::new(tokio::sync::Barrier::new(clients + 1));
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (shared, barrier) = (shared.clone(), barrier.clone());
        tasks.spawn(async move {
            let connection = shared.connect().await;
            barrier.wait().await;
            if let Some(mut connection) = connection {
                shared.send(&mut connection, &mut Call::default(), None).await;
            }
        });
    }
    barrier.wait().await;
    let meter = Meter::start(server);
    let begun = Instant::now();
    while tasks.join_next().await.is_some() {}
    shared.run(begun.elapsed(), meter.read())
}

#[cfg(test)]
mod tests;
