import Glibc
import HTTPTypes
import WebServer

/// Files of the server's own pages, read once at the start.
struct StaticFiles: Sendable {
    /// Bytes of one file, and files of a folder.
    private static let bytesMaximum = 1024 * 1024
    private static let filesMaximum = 200

    private static let types = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml", "json": "application/json",
        "png": "image/png", "txt": "text/plain; charset=utf-8",
    ]

    /// By their path within the folder.
    private let files: [String: [UInt8]]

    /// Reads a folder of the program's resources; empty when it is not there.
    init(_ name: String) {
        var files: [String: [UInt8]] = [:]
        if let folder = Self.resources { Self.read("\(folder)/web/\(name)", "", into: &files) }
        self.files = files
    }

    /// Whether the folder was there.
    var isThere: Bool { !files.isEmpty }

    /// Beside the program, where builds and packages put it.
    private static let resources: String? = {
        guard let path = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(path) }
        let program = String(cString: path)
        let folder = program.prefix(upTo: program.lastIndex(of: "/") ?? program.startIndex)
        let resources = "\(folder)/trunkline_CallServer.resources"
        return access(resources, R_OK) == 0 ? resources : nil
    }()

    private static func read(_ folder: String, _ prefix: String, into files: inout [String: [UInt8]]) {
        guard let entries = opendir(folder) else { return }
        defer { closedir(entries) }
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix("."), files.count < filesMaximum else { continue }
            var status = stat()
            guard stat("\(folder)/\(name)", &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                read("\(folder)/\(name)", "\(prefix)\(name)/", into: &files)
            } else if status.st_size <= bytesMaximum, let text = try? TextFile.read("\(folder)/\(name)") {
                files[prefix + name] = Array(text.utf8)
            }
        }
    }

    /// Routes of all files below a path; the page itself stands at the path.
    func routes(at root: String, _ summary: String) -> [Route] {
        var routes = files.sorted { $0.key < $1.key }.map { name, bytes in
            Self.route("\(root)/\(name)", "A part of the page", name, bytes)
        }
        if let page = files["index.html"] { routes.insert(Self.route(root, summary, "index.html", page), at: 0) }
        return routes
    }

    private static func route(_ path: String, _ summary: String, _ name: String, _ bytes: [UInt8]) -> Route {
        let ending = String(name.split(separator: ".").last ?? "")
        let type = types[ending] ?? "application/octet-stream"
        let headers: HTTPFields = [
            .contentType: type, .eTag: EntityTag.of(bytes), .cacheControl: "no-cache",
            .contentSecurityPolicy: "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; "
                + "img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
            HTTPField.Name("Referrer-Policy")!: "no-referrer", HTTPField.Name("X-Frame-Options")!: "DENY",
        ]
        return Route(
            .get,
            path,
            summary,
            responseType: String(type.prefix { $0 != ";" }),
            responses: [(200, "OK"), (304, "not changed")]
        ) { _ in WebResponse(headers: headers, body: bytes) }
    }
}

/// Names of answers by their bytes.
enum EntityTag {
    /// A short name (FNV-1a, 64 bits); weak, since it stands for the compressed bytes, too.
    static func of(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return "W/\"" + String(hash, radix: 16) + "\""
    }
}
