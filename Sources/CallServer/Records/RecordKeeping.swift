import CallBridge
import CallPolicy
import CallRecording
import CallRecords
import Dispatch
import Glibc
import Logging
import RealtimeProtocol
import Trunk

/// Keeps what happened in calls, and their recordings, as the settings say: written off the loops, bounded, and never in a
/// call's way.
final class RecordKeeping: Sendable {
    /// Pauses between two looks for what is too old, in milliseconds.
    private static let retentionMilliseconds: UInt64 = 3_600_000

    let store: CallStore
    private let writer: RecordWriter
    private let recorder: CallRecorder?
    private let settings: RecordSettings
    private let delivery: EndDelivery?
    private let queue = DispatchQueue(label: "trunkline.records", attributes: .concurrent)
    private let logger: Logger

    private init(
        _ store: CallStore,
        _ recorder: CallRecorder?,
        _ writer: RecordWriter,
        _ settings: RecordSettings,
        _ delivery: EndDelivery?,
        _ logger: Logger
    ) {
        self.store = store
        self.writer = writer
        self.recorder = recorder
        self.settings = settings
        self.delivery = delivery
        self.logger = logger
    }

    /// Opens the records; nil when none are kept. Waits for the disk.
    ///
    /// - Throws: `Settings.Failure` when the file or the folder cannot be used.
    static func open(
        _ settings: RecordSettings,
        fetcher: (any HTTPFetching)?,
        logger: Logger
    ) throws(Settings.Failure) -> RecordKeeping? {
        guard let path = settings.database else {
            if settings.records {
                throw Settings.Failure(problems: [
                    "RECORDING: needs DATABASE_PATH, which says whose recordings they are"
                ])
            }
            return nil
        }
        let store: CallStore
        do throws(StoreError) {
            store = try CallStore.open(path: path, queuesInterrupted: settings.endURL != nil)
        } catch {
            throw Settings.Failure(problems: ["DATABASE_PATH: \(error)"])
        }
        for note in store.notes { logger.warning("\(note)") }
        store.whenNoted { logger.error("\($0)") }
        if !store.interruptedCalls.isEmpty {
            logger.warning("\(store.interruptedCalls.count) calls were cut off when the server ended last")
        }
        let writer = RecordWriter(store, queuesEnds: settings.endURL != nil)
        var recorder: CallRecorder?
        if settings.records {
            do throws(RecorderError) {
                recorder = try CallRecorder(folder: makeFolder(settings.folder)) { result in
                    writer.note(
                        RecordingNote(
                            callSID: result.callSID,
                            file: result.file,
                            bytes: result.bytes,
                            milliseconds: result.milliseconds,
                            dropped: result.dropped,
                            diskErrors: result.diskErrors
                        )
                    )
                }
            } catch {
                throw Settings.Failure(problems: ["RECORDINGS_PATH: \(error)"])
            }
        }
        let delivery = settings.endURL.flatMap { url in
            fetcher.map { EndDelivery(store, url, key: settings.endSecret, fetcher: $0) }
        }
        return RecordKeeping(store, recorder, writer, settings, delivery, logger)
    }

    private static func makeFolder(_ path: String) -> String {
        // One level: a folder whose parent is missing is a mistake, and told as one.
        mkdir(path, 0o700)
        return path
    }

    // MARK: - What happens; called on loops

    /// Takes down what happened to a call.
    func note(_ record: CallRecord, _ entry: CallEntry?, on engine: CallEngine) {
        writer.note(record)
        guard case .event(.started) = record.kind, let entry else { return }
        writer.note(CallLabels(model: entry.model, voice: entry.voice, rule: entry.rule), of: record.callSID)
        guard let recorder else { return }
        Task {
            let tap = try? await engine.perform { try $0.tap(record.call) }
            if let tap { recorder.record(tap, callSID: record.callSID) }
        }
    }

    /// Takes down what a person did to a call.
    func note(_ action: OperatorAction) { writer.note(action) }

    // MARK: - What is asked

    /// Runs something that waits for the disk, off the threads of tasks.
    func ask<Result: Sendable>(_ body: @escaping @Sendable (CallStore) throws -> Result) async throws -> Result {
        let store = store
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try body(store) }) }
        }
    }

    /// The folder of the recordings; nil when there are none.
    var recordingsFolder: String { settings.folder }

    /// How the records are, for the dashboard.
    var status: JSONValue {
        let (written, recorded) = (writer.stats, recorder?.stats ?? RecorderStats())
        let undelivered = store.outboxDropped + (delivery?.counters.givenUp ?? 0)
        return [
            "enabled": true, "healthy": .bool(written.isHealthy), "queued": .integer(Int64(written.queued)),
            "dropped": .integer(Int64(written.dropped)),
            "last_error": written.lastError.map(JSONValue.string) ?? .null, "recording": .bool(recorder != nil),
            "recordings": [
                "healthy": .bool(recorded.isHealthy), "refused": .integer(Int64(recorded.refused)),
                "dropped": .integer(Int64(recorded.dropped)), "disk_errors": .integer(Int64(recorded.diskErrors)),
                "last_error": recorded.lastError.map(JSONValue.string) ?? .null,
            ], "ends_undelivered": .integer(Int64(undelivered)),
        ]
    }

    /// What is being lost, for everybody who asks for the health; nil when nothing is.
    var trouble: String? {
        if !writer.stats.isHealthy { return "calls are not written down" }
        return recorder?.stats.isHealthy == false ? "recordings are not whole" : nil
    }

    var metrics: [MetricFamily] {
        let (written, recorded) = (writer.stats, recorder?.stats ?? RecorderStats())
        return [
            .gauge("trunkline_records_queued", "Records that wait.", written.queued),
            .counter("trunkline_records_written_total", "Records that were written.", written.written),
            .counter(
                "trunkline_records_dropped_total",
                "Records that found no room while the disk failed.",
                written.dropped
            ),
            .counter("trunkline_record_failures_total", "Batches that could not be written at once.", written.failures),
            .counter("trunkline_record_orphans_total", "Records of calls whose start is not known.", written.orphans),
            .counter("trunkline_turns_dropped_total", "Turns beyond what is kept of one call.", written.turnsDropped),
            .counter(
                "trunkline_outbox_dropped_total",
                "Ends of calls that were dropped undelivered: too many waited.",
                store.outboxDropped
            ),
            .counter("trunkline_recordings_total", "Recordings that were finished.", recorded.finished),
            .counter(
                "trunkline_recordings_refused_total",
                "Calls that were not recorded: too many at once, or no file could be made.",
                recorded.refused
            ),
            .counter("trunkline_recording_disk_errors_total", "Writes of recordings that failed.", recorded.diskErrors),
            .counter("trunkline_recording_dropped_total", "Pieces of audio that no recording has.", recorded.dropped),
            .counter(
                "trunkline_end_deliveries_total",
                "Ends of calls that were delivered.",
                delivery?.counters.delivered ?? 0
            ),
            .counter(
                "trunkline_end_delivery_failures_total",
                "Attempts to deliver that failed.",
                delivery?.counters.failed ?? 0
            ),
            .counter(
                "trunkline_end_deliveries_given_up_total",
                "Ends of calls that nobody took, however often they were sent.",
                delivery?.counters.givenUp ?? 0
            ),
        ]
    }

    // MARK: - Life

    /// Delivers ends of calls and forgets what is too old, until it is cancelled.
    func run() async {
        await withDiscardingTaskGroup { tasks in
            if let delivery { tasks.addTask { await delivery.run(self) } }
            tasks.addTask { await self.forgetOld() }
        }
    }

    private func forgetOld() async {
        guard let days = settings.retentionDays else { return }
        while !Task.isCancelled {
            let before = UnixTime.milliseconds - Int64(days) * 86_400_000
            let folder = settings.folder
            do {
                let count = try await ask { store in
                    try store.deleteOlder(than: before) { RecordingFiles.remove($0, from: folder) }
                }
                if count > 0 { logger.notice("\(count) calls are older than \(days) days and were deleted") }
            } catch {
                logger.error("old calls cannot be deleted: \(error)")
            }
            try? await Task.sleep(nanoseconds: Self.retentionMilliseconds * 1_000_000)
        }
    }

    /// Writes what waits, a few seconds at most.
    func close() async {
        let (writer, recorder) = (writer, recorder)
        _ = try? await ask { _ in
            _ = recorder?.stop()
            _ = writer.close()
        }
    }
}
