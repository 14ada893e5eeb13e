import CallBridge
import CallPolicy
import CallRecords
import RealtimeProtocol

/// Calls that are kept, in the words of `/calls`.
enum HistoryJSON {
    static func summary(_ call: StoredCall, snippet: String? = nil) -> JSONObject {
        let fields = call.fields
        var object: JSONObject = [
            "call_sid": .string(call.callSID), "stream_sid": fields["stream_sid"] ?? .null,
            "from": .string(fields["caller"]?.stringValue ?? ""), "to": .string(fields["called"]?.stringValue ?? ""),
            "direction": fields["direction"] ?? .null, "rule": .string(fields["rule"]?.stringValue ?? ""),
            "model": fields["model"] ?? .null, "voice": fields["voice"] ?? .null,
            "status": .string(call.endedAt == nil ? "in-progress" : "completed"),
            "started_at": .string(UnixTime.text(call.startedAt)),
            "duration_ms": .integer((call.endedAt ?? UnixTime.milliseconds) - call.startedAt),
            "cost_usd": .number(Double(fields["cost_microdollars"]?.integerValue ?? 0) / 1_000_000),
            "interruptions": counter(fields, "interruptions"), "reconnects": counter(fields, "modelLosses"),
            "turns": .integer(
                (fields["caller_turns"]?.integerValue ?? 0) + (fields["agent_turns"]?.integerValue ?? 0)
            ), "snippet": snippet.map(JSONValue.string) ?? .null,
        ]
        object.append("latency_ms", fields["latency_p50_ms"] ?? .null)
        if let endedAt = call.endedAt { object.append("ended_at", .string(UnixTime.text(endedAt))) }
        if let reason = call.endReason { object.append("end_reason", .string(reason)) }
        object.append("ended_by", fields["end_initiator"] ?? .null)
        object.append("end_detail", fields["end_detail"] ?? .null)
        return object
    }

    private static func counter(_ fields: JSONObject, _ name: String) -> JSONValue {
        .integer(fields["counters"]?[name]?.integerValue ?? 0)
    }

    static func detail(_ detail: CallDetail) -> JSONObject {
        let start = detail.call.startedAt
        var object = summary(detail.call)
        object["turns"] = .array(
            detail.turns.enumerated().map { turn($0.element, number: $0.offset + 1, since: start) }
        )
        object.append("tools", .array(detail.toolRuns.map { run($0, since: start) }))
        object.append("barge_ins", .array(detail.bargeIns.map { offsets($0, since: start) }))
        object["reconnects"] = .array(detail.reconnects.map { offsets($0, since: start) })
        object.append("errors", .array(detail.warnings.map { offsets($0, since: start) }))
        object.append("actions", .array(detail.actions.map { offsets($0, since: start) }))
        let fields = detail.call.fields
        object.append(
            "usage",
            [
                "text_in": fields["text_input"] ?? 0, "text_cached": fields["text_cached"] ?? 0,
                "text_out": fields["text_output"] ?? 0, "audio_in": fields["audio_input"] ?? 0,
                "audio_cached": fields["audio_cached"] ?? 0, "audio_out": fields["audio_output"] ?? 0,
                "cost_usd": .number(Double(fields["cost_microdollars"]?.integerValue ?? 0) / 1_000_000),
            ]
        )
        if let file = detail.call.recordingFile {
            object.append(
                "recording",
                [
                    "url": .string("/recordings/\(file)"), "duration_ms": fields["recording_ms"] ?? .null,
                    "bytes": fields["recording_bytes"] ?? .null,
                    // Null in records of before these were kept.
                    "dropped": fields["recording_dropped"] ?? .null,
                    "disk_errors": fields["recording_disk_errors"] ?? .null,
                ]
            )
        } else {
            object.append("recording", .null)
        }
        object.append("parameters", fields["parameters"] ?? [:])
        return object
    }

    private static let waterfall = [
        ("speech_ended_at", "speech_end_ms"), ("committed_at", "committed_ms"), ("response_created_at", "created_ms"),
        ("first_delta_at", "first_delta_ms"), ("first_sent_at", "first_sent_ms"), ("first_heard_at", "first_mark_ms"),
    ]

    private static func turn(_ row: JSONObject, number: Int, since start: Int64) -> JSONValue {
        let offset = { (name: String) -> JSONValue in
            row[name]?.integerValue.map { .integer($0 - start) } ?? .null
        }
        var latency = JSONObject()
        for (column, name) in waterfall { latency.append(name, offset(column)) }
        return [
            "sequence": .integer(Int64(number)), "who": row["who"] ?? .null, "text": row["text"] ?? "",
            "heard": row["heard"] ?? .null, "unheard": row["unheard"] ?? .null,
            "interrupted": row["interrupted"] ?? false, "item_id": row["item_id"] ?? .null,
            "began_ms": offset("began_at"), "ended_ms": offset("ended_at"), "latency": .object(latency),
        ]
    }

    private static func run(_ row: JSONObject, since start: Int64) -> JSONValue {
        var object = offsets(row, since: start).objectValue ?? [:]
        object["call_id"] = row["tool_call_id"] ?? row["call_id"] ?? row["id"]
        object["duration_ms"] = row["duration_ms"] ?? row["milliseconds"] ?? .null
        return .object(object)
    }

    /// The row with its times as milliseconds since the call's start: `at` as `at_ms`.
    private static func offsets(_ row: JSONObject, since start: Int64) -> JSONValue {
        var object = JSONObject()
        for member in row.members {
            if member.key == "at" || member.key.hasSuffix("_at"), let moment = member.value.integerValue {
                let name = member.key == "at" ? "at_ms" : member.key.dropLast(3) + "_ms"
                object.append(String(name), .integer(moment - start))
                if member.key == "at" { object.append("at", .string(UnixTime.text(moment))) }
            } else {
                object.append(member.key, member.value)
            }
        }
        return .object(object)
    }
}
