import RealtimeProtocol
import Trunk

/// The conversation: creating, truncating, deleting and retrieving items, with the real server's errors.
extension ModelSession {
    private static let idMaximum = 32

    mutating func create(_ item: ConversationItem, after previous: String?, _ eventID: String?) {
        var item = item
        let id = item.id ?? newID("item")
        if id.utf8.count > Self.idMaximum {
            let message =
                "Invalid 'item.id': string too long. Expected a string with maximum length \(Self.idMaximum), but got "
                + "a string with length \(id.utf8.count) instead."
            return fail(code: "string_above_max_length", message: message, eventID, param: "item.id")
        }
        if items[id] != nil {
            return fail(code: "item_create_duplicate_item_id", message: "Item with id \(id) already exists.", eventID)
        }
        item.id = id
        if case .functionCallOutput(let callID, let output) = item.kind {
            log.note(.toolAnswered(connection: connection, callID: callID, output: output))
        } else {
            item.status = .completed
        }
        log.note(.itemCreated(connection: connection, text: item.spokenText))
        let before = previous == "root" ? nil : previous ?? lastItemID
        add(item, audioBytes: nil)
        emit(.itemAdded(item, previousItemID: before))
        emit(.itemDone(item, previousItemID: before))
    }

    mutating func truncate(_ id: String, _ index: Int, _ end: Int, _ eventID: String?) {
        guard let item = items[id] else {
            let message = "Item with item_id not found: \(id)"
            return reject(id, end, code: "item_truncate_invalid_item_id", message, eventID)
        }
        guard let bytes = item.audioBytes, bytes > 0 else {
            let message = "Only model output audio messages can be truncated"
            return reject(id, end, code: "unsupported_content_type", message, eventID)
        }
        if end < 0 {
            let message =
                "Invalid 'audio_end_ms': integer below minimum value. Expected a value >= 0, but got \(end) instead."
            return reject(id, end, code: "integer_below_min_value", message, eventID)
        }
        let length = bytes / bytesPerMillisecond
        if end > length {
            let message = "Audio content of \(length)ms is already shorter than \(end)ms"
            return reject(id, end, code: "invalid_value", message, eventID)
        }
        log.note(.truncated(connection: connection, itemID: id, milliseconds: end, generated: length))
        let left = end * bytesPerMillisecond
        items[id]?.audioBytes = left
        emit(.itemTruncated(itemID: id, contentIndex: index, audioEndMilliseconds: end))
    }

    private mutating func reject(_ id: String, _ end: Int, code: String, _ message: String, _ eventID: String?) {
        log.note(.truncationRejected(connection: connection, itemID: id, milliseconds: end, message: message))
        fail(code: code, message: message, eventID)
    }

    mutating func delete(_ id: String, _ eventID: String?) {
        guard items.removeValue(forKey: id) != nil else {
            let message = "Error deleting item: the item with id '\(id)' does not exist."
            return fail(code: "item_delete_invalid_item_id", message: message, eventID)
        }
        emit(.itemDeleted(itemID: id))
    }

    mutating func retrieve(_ id: String, _ eventID: String?) {
        guard let item = items[id] else {
            return fail(code: "item_retrieve_invalid_item_id", message: "Item with id \(id) not found.", eventID)
        }
        emit(.itemRetrieved(item.item))
    }
}

extension ConversationItem {
    /// The words of a message; empty for others.
    var spokenText: String {
        guard case .message(let message) = kind else { return "" }
        return message.content.compactMap { $0.text ?? $0.transcript }.joined(separator: " ")
    }
}
