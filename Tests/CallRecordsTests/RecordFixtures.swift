import CTrunk
import Foundation
import GRDB
import RealtimeProtocol
import Testing

@testable import CallBridge
@testable import CallPolicy
@testable import CallRecords
@testable import Trunk

/// Makes the records of one call.
struct CallScript: Sendable {
    let sid: String
    var from = "+491701234567"
    var to = "+4930555"
    /// Microseconds of the engine's clock when it began.
    var begin = MonotonicClock.microseconds

    init(_ sid: String) { self.sid = sid }

    func record(_ kind: CallRecord.Kind, at milliseconds: Int = 0) -> CallRecord {
        let call = CallID(RawCallID(slot: 1, generation: 1))
        return CallRecord(callSID: sid, call: call, at: begin + Int64(milliseconds) * 1_000, kind: kind)
    }

    func event(_ event: CallEvent, at milliseconds: Int = 0) -> CallRecord { record(.event(event), at: milliseconds) }

    var started: CallRecord {
        let parameters = ["from": from, "to": to, "plan": "gold"]
        return event(
            .started(CarrierStart(streamID: "MZ" + sid, callID: sid, accountID: "AC1", parameters: parameters))
        )
    }

    func said(_ text: String, item: String = "u1", at milliseconds: Int = 1_000) -> CallRecord {
        event(.callerTranscript(itemID: item, text: text), at: milliseconds)
    }

    func ended(_ reason: EndReason = .callerHungUp, at milliseconds: Int = 60_000) -> CallRecord {
        record(.ended(reason, .caller, CallStats()), at: milliseconds)
    }

    /// A call of two turns from its start to its end.
    var short: [CallRecord] {
        [
            started, said("hello there"),
            event(
                .agentTranscript(
                    AgentTranscript(
                        itemID: "a1",
                        heard: "good day",
                        unheard: "",
                        heardMilliseconds: nil,
                        wasInterrupted: false
                    )
                ),
                at: 2_000
            ), ended(),
        ]
    }
}

extension RecordWriter {
    func note(_ records: [CallRecord]) { for record in records { note(record) } }
}

extension CallStore {
    func count(_ table: String) throws -> Int {
        try read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0 }
    }

    func integrity() throws -> String? { try read { db in try String.fetchOne(db, sql: "PRAGMA integrity_check") } }
}

/// Another process that has locked the file, played by another connection.
final class Locker: Sendable {
    private let queue: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.inDatabase { db in try db.execute(sql: "BEGIN EXCLUSIVE") }
    }

    func unlock() throws { try queue.inDatabase { db in try db.execute(sql: "COMMIT") } }
}
