import Logging
import Trunk

/// The certificate of a server that speaks TLS itself, and its renewal while it runs.
extension Server {
    static func problem(_ files: Settings.TLSFiles) -> String {
        "TLS_CERT: \"\(files.certificate)\" and TLS_KEY \"\(files.key)\" cannot be read, do not belong together, are encrypted, "
            + "or are not valid today"
    }

    /// Reads the certificate and key anew, for connections to come.
    ///
    /// - Returns: What is wrong with them; nil when they are in use now, or there are none.
    public func reloadCertificate() async -> String? {
        guard let files = live.settings.tls else { return nil }
        // Before they are read: what is written meanwhile is seen next time.
        let look = certificate.withLock { $0?.look() }
        for engine in engines {
            do {
                try await engine.perform { try $0.setCertificate(files.certificate, keyFile: files.key) }
            } catch {
                return Self.problem(files) + "; the old ones stay in use"
            }
        }
        if let look { certificate.withLock { $0?.take(look) } }
        return nil
    }

    /// Reads the certificate and key anew when one of the files is another than the one in use. Programs that renew
    /// certificates tell nobody, and write one file after the other: a pair that does not fit is tried again the next time.
    ///
    /// - Returns: What is wrong with them, once for each state of the files.
    public func renewCertificate() async -> String? {
        guard let look = certificate.withLock({ $0?.look() }) else { return nil }
        guard let problem = await reloadCertificate() else {
            logger.notice("TLS_CERT: new files are in use for connections to come")
            return nil
        }
        return certificate.withLock { $0?.isNews(look) == true } ? problem : nil
    }
}
