import HTTPTypes
import Trunk
import WebServer

extension WebRequest {
    /// An upgrade request, for whoever guards the other requests.
    init(_ upgrade: UpgradeRequest) {
        let lines = upgrade.head.split(separator: "\r\n", omittingEmptySubsequences: true)
        let first = lines.first?.split(separator: " ") ?? []
        var headers = HTTPFields()
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else {
                continue
            }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append(HTTPField(name: name, value: String(value)))
        }
        self.init(
            method: .get,
            target: first.count > 1 ? String(first[1]) : "/",
            host: upgrade.header("host") ?? "",
            headers: headers,
            peer: upgrade.peer
        )
        isSecure = upgrade.isSecure
    }
}
