import RealtimeProtocol
import Yams

/// YAML documents as JSON values.
///
/// A plain scalar is a number only when JSON would take it for one, and a truth value only as `true` or `false`: so that
/// `+15550100` stays a telephone number and `no` a word.
enum YAMLFile {
    struct Problem: Error, CustomStringConvertible { let description: String }

    /// How deep a document may be nested.
    static let depthMaximum = 32
    /// Nodes of a document, those that aliases repeat included.
    static let nodesMaximum = 20_000

    static func parse(_ text: String) throws(Problem) -> JSONValue {
        let root: Node?
        do {
            root = try compose(yaml: text)
        } catch {
            throw Problem(description: sentence(error))
        }
        guard let root else { return .object([:]) }
        var budget = nodesMaximum
        return try value(root, depth: 0, &budget)
    }

    /// The place and the problem, without the lines around it: they may hold secrets.
    private static func sentence(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line): \(problem)"
        case .duplicatedKeysInMapping(let names, _): "\(names.joined(separator: ", ")) stands there twice"
        default: "is no YAML"
        }
    }

    private static func value(_ node: Node, depth: Int, _ budget: inout Int) throws(Problem) -> JSONValue {
        let line = node.mark?.line ?? 0
        budget -= 1
        guard budget >= 0 else { throw Problem(description: "line \(line): more than \(nodesMaximum) values") }
        guard depth < depthMaximum else {
            throw Problem(description: "line \(line): nested deeper than \(depthMaximum)")
        }
        switch node {
        case .scalar(let scalar): return Self.scalar(scalar)
        case .alias: throw Problem(description: "line \(line): an alias without an anchor")
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try value(element, depth: depth + 1, &budget)) }
            return .array(elements)
        case .mapping(let mapping):
            var object = JSONObject()
            for (key, element) in mapping {
                guard let name = key.scalar?.string else {
                    throw Problem(description: "line \(line): a name that is no text")
                }
                object.append(name, try value(element, depth: depth + 1, &budget))
            }
            return .object(object)
        }
    }

    private static func scalar(_ scalar: Node.Scalar) -> JSONValue {
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        switch scalar.string {
        case "", "~", "null": return .null
        default: break
        }
        guard let first = scalar.string.utf8.first,
            first == UInt8(ascii: "-") || first == UInt8(ascii: "t")
                || first == UInt8(ascii: "f") || (0x30...0x39).contains(first)
        else { return .string(scalar.string) }
        return (try? JSONValue(parsing: scalar.string)) ?? .string(scalar.string)
    }
}
