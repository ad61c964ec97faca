//! Every scene of the broken internet, looked at for real: what is said of it, how long that takes,
//! and how much memory.
#![expect(clippy::unwrap_used, reason = "tests")]

mod memory;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use domain::check::verdict::{Verdict, judge};
use domain::check::{FailureClass, Observation};
use jiff::Timestamp;
use probe::Prober;
use testkit::scenes::{self, Scene};
use tokio::runtime::Builder;

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

/// What a look holds at most.
const MOST_BYTES: usize = 4_000_000;
/// A look may be 250 ms over its time-out; a busy machine adds some.
const OVER: Duration = Duration::from_millis(1_000);
/// The same where nothing else runs.
const OVER_ALONE: Duration = Duration::from_millis(250);

/// Classes of kinds that are waited for and never looked at.
const WAITED_FOR: [FailureClass; 2] =
    [FailureClass::HeartbeatMissed, FailureClass::HeartbeatFailed];

/// What came of a scene.
struct Played {
    name: &'static str,
    wanted: String,
    seen: Observation,
    verdict: Verdict,
    over: Duration,
    spare: Duration,
    bytes: usize,
}

impl Played {
    fn said(&self) -> String {
        let failure = self.verdict.failure.as_ref();
        let class = failure.map_or("", |failure| failure.class.as_str());
        let phase = failure.map_or("", |failure| failure.phase.as_str());
        format!("{:?} {class} {phase}", self.verdict.kind)
    }

    /// A word of the program's inside in what people are told: `DNSName(..)`, `InvalidContentType`.
    fn inner_word(&self) -> Option<String> {
        let message = &self.seen.failure.as_ref()?.message;
        // What the other side said is shown as it is.
        let ours: String = message.split('"').step_by(2).collect();
        let known = [
            "gRPC",
            "OpenSSH",
            "IPv",
            "KiB",
            "MiB",
            "ServerHello",
            "HealthCheckResponse",
        ];
        let ours = known.iter().fold(ours, |ours, word| ours.replace(word, ""));
        let letters: Vec<char> = ours.chars().collect();
        let mixed = letters
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
        (mixed || ours.contains("(..)") || ours.contains("::")).then(|| message.clone())
    }

    /// This machine has no right to send pings, or no way to a group address: the look says that it is
    /// our fault, and nothing can be learned of the target.
    fn is_forbidden_here(&self) -> bool {
        let class = self.verdict.class();
        let needs_a_way = [FailureClass::PingLost, FailureClass::NetworkUnreachable];
        self.seen.our_fault && class.is_some_and(|class| needs_a_way.contains(&class))
    }

    /// What is wrong with it.
    fn complaint(&self, over: Duration) -> Option<String> {
        let (said, wanted) = (self.said(), &self.wanted);
        let name = self.name;
        if self.is_forbidden_here() {
            return None;
        }
        if said != *wanted {
            let failure = &self.seen.failure;
            return Some(format!("{name}: {said}, and not {wanted}: {failure:?}"));
        }
        if let Some(word) = self.inner_word() {
            return Some(format!("{name}: {word:?} is no word for people"));
        }
        if self.over > over {
            return Some(format!("{name}: {:?} over its time-out", self.over));
        }
        (self.bytes > MOST_BYTES).then(|| format!("{name}: held {} bytes", self.bytes))
    }
}

/// Sets `scene` on threads of its own and looks at it from this one, so that only the look's memory
/// is counted.
fn play(scene: Scene) -> Played {
    let (name, timeout) = (scene.name, scene.timeout);
    let wanted = match scene.failure {
        Some((class, phase)) => {
            format!("{:?} {} {}", scene.verdict, class.as_str(), phase.as_str())
        }
        None => format!("{:?}  ", scene.verdict),
    };
    let theirs = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let set = theirs.block_on(scene.set());
    let ours = Builder::new_current_thread().enable_all().build().unwrap();
    let mut prober = Prober::new(set.egress.clone()).unwrap();
    if let Some(list) = &set.registries {
        prober = prober.with_registries(list.as_bytes());
    }
    let at = Timestamp::UNIX_EPOCH;
    let started = Instant::now();
    let target = set.settings.target.clone();
    // As a task like any other, so that it shares its thread fairly with those that move its bytes.
    let look = async move {
        prober
            .look(&target, timeout, probe::Names::Remembered, at)
            .await
    };
    let (seen, bytes) = memory::peak(|| ours.block_on(async { tokio::spawn(look).await.unwrap() }));
    let took = started.elapsed();
    theirs.shutdown_background();
    Played {
        name,
        wanted,
        verdict: judge(&seen, &set.expected),
        seen,
        over: took.saturating_sub(timeout),
        spare: timeout.saturating_sub(took),
        bytes,
    }
}

/// Plays the nth of every `of` scenes.
fn play_share(n: usize, of: usize) {
    let share = scenes::all().into_iter().skip(n).step_by(of);
    let complaints: Vec<String> = share
        .filter_map(|scene| play(scene).complaint(OVER))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn scenes_of_the_first_half() {
    play_share(0, 2);
}

#[test]
fn scenes_of_the_second_half() {
    play_share(1, 2);
}

#[test]
fn every_class_has_a_scene() {
    let shown: HashSet<FailureClass> = scenes::all()
        .iter()
        .filter_map(|scene| Some(scene.failure?.0))
        .chain(WAITED_FOR)
        .collect();
    let missing: Vec<&FailureClass> = FailureClass::ALL
        .iter()
        .filter(|class| !shown.contains(class))
        .collect();
    assert!(missing.is_empty(), "nothing produces {missing:?}");
}

#[test]
fn every_scene_has_a_name_of_its_own() {
    let mut names = HashSet::new();
    for scene in scenes::all() {
        assert!(names.insert(scene.name), "{} is there twice", scene.name);
    }
}

/// The table, and the published bound of time: nothing else may run beside it.
#[test]
#[ignore = "holds looks to 250 ms over their time-out: make soak"]
fn no_look_is_late() {
    println!("| scene | class | phase | verdict | over the time-out | memory |");
    println!("|---|---|---|---|---|---|");
    let mut complaints = Vec::new();
    for scene in scenes::all() {
        let played = play(scene);
        let failure = played.verdict.failure.as_ref();
        println!(
            "| {} | {} | {} | {:?} | {} | {} kB |",
            played.name,
            failure.map_or("–", |failure| failure.class.as_str()),
            failure.map_or("–", |failure| failure.phase.as_str()),
            played.verdict.kind,
            match played.spare.is_zero() {
                true => format!("{} ms", played.over.as_millis()),
                false => "–".to_owned(),
            },
            played.bytes / 1_000,
        );
        complaints.extend(played.complaint(OVER_ALONE));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
