import Foundation

/// Certificates, good and bad, made by the `openssl` command in a temporary folder.
struct Certificates {
    let folder: String

    /// Nil, with one line that says so, when the command is not there.
    init?() throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl") else {
            print("skipped: there is no openssl command")
            return nil
        }
        folder = NSTemporaryDirectory() + "certificates-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-ec", Self.script]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CocoaError(.executableLoad, userInfo: ["folder": folder])
        }
    }

    /// The authority that clients trust.
    var authority: String { folder + "/root.pem" }

    func certificate(_ name: String) -> String { folder + "/" + name + ".pem" }
    func key(_ name: String) -> String { folder + "/" + name + ".key" }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// `make name signer key-type extensions...`: a certificate of localhost, or of an authority, with its chain behind.
    /// `fill name count bytes`: a certificate with so many extensions of so many bytes.
    private static let script = """
        make() {
          file=$1; signer=$2; kind=$3; subject=$4; extension=$5; shift 5
          if [ "$signer" != self ]; then set -- "$@" -CA $signer.pem -CAkey $signer.key; fi
          if [ $kind = ec ]; then kind="ec -pkeyopt ec_paramgen_curve:P-256"; fi
          openssl req -x509 -newkey $kind -nodes -keyout $file.key -out $file.pem -days 2 -subj "/CN=$subject" \
            -addext "$extension" "$@"
        }
        name="subjectAltName=DNS:localhost"
        make root self ec root "keyUsage=keyCertSign"
        make stranger self ec stranger "keyUsage=keyCertSign"
        make good root ec localhost "$name"
        make selfsigned self ec localhost "$name"
        make unknown stranger ec localhost "$name"
        make middle root ec middle "keyUsage=keyCertSign"
        make orphan middle ec localhost "$name"
        make otherhost root ec other "subjectAltName=DNS:example.com"
        make star root ec star "subjectAltName=DNS:*"
        make partial root ec partial "subjectAltName=DNS:local*"
        make subject root ec localhost "keyUsage=digitalSignature"
        make textaddress root ec 127.0.0.1 "subjectAltName=DNS:127.0.0.1"
        make rsa1024 root rsa:1024 localhost "$name"
        make rsa512 root rsa:512 localhost "$name"
        make sha1 root ec localhost "$name" -sha1
        make client root ec localhost "$name" -addext extendedKeyUsage=clientAuth
        last=root; cat /dev/null > links.pem
        for i in $(seq 1 99); do
          make link$i $last ec link$i "keyUsage=keyCertSign"; cat link$i.pem links.pem > more; mv more links.pem; last=link$i
          case $i in
          9) make nine $last ec localhost "$name"; cat links.pem >> nine.pem;;
          14) make long $last ec localhost "$name"; cat links.pem >> long.pem;;
          esac
        done
        make hundred $last ec localhost "$name"; cat links.pem >> hundred.pem
        make base root ec localhost "$name"
        fill() {
          file=$1; text=$(head -c $3 /dev/zero | tr '\\0' a)
          printf '[req]\\ndistinguished_name=d\\n[d]\\n[x]\\nsubjectAltName=DNS:localhost\\n' > $file.conf
          for i in $(seq 1 $2); do printf '1.2.3.4.%d=ASN1:UTF8String:%s\\n' $i $text >> $file.conf; done
          openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $file.key -out $file.pem -days 2 \
            -subj /CN=localhost -config $file.conf -extensions x -CA root.pem -CAkey root.key
        }
        fill big 60 3000
        fill huge 350 30000
        """
}
