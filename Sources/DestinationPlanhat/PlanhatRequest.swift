package import ConnectorKit
package import NIOCore
package import Records

/// One request to Planhat, without credentials.
package struct PlanhatRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    package var method: Method
    /// Path and query, percent-encoded, beginning with a slash.
    package var path: String
    package var body: ByteBuffer?
    package var host = PlanhatHost.main

    package var isWrite: Bool { method != .get }

    /// `PUT /companies` with a JSON array of the operations' payloads. The payloads are taken as they are.
    package static func bulkUpsert(_ batch: OperationBatch, object: DestinationObject) -> PlanhatRequest {
        PlanhatRequest(method: .put, path: "/\(object.path)", body: array(of: batch))
    }

    static func array(of batch: OperationBatch) -> ByteBuffer {
        if let array = batch.payloadArray, let block = batch.bytes.block { return LentBuffer.buffer(block, array) }
        let payloadBytes = batch.entries.reduce(0) { $0 + $1.payload.count }
        var body = ByteBufferAllocator().buffer(capacity: payloadBytes + batch.count + 1)
        body.writeInteger(UInt8(ascii: "["))
        if let joined = batch.joinedPayloads {
            // A buffer pointer is one copy; a slice of an array would be one byte at a time in the worst case.
            unsafe batch.bytes.withUnsafeBytes { bytes in
                _ = unsafe body.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[joined]))
            }
        } else {
            for (index, entry) in batch.entries.enumerated() {
                if index > 0 { body.writeInteger(UInt8(ascii: ",")) }
                body.writeBytes(batch.bytes[entry.payload])
            }
        }
        body.writeInteger(UInt8(ascii: "]"))
        return body
    }

    /// One page of a list. Only the first record of the account if `limit` is 1.
    package static func list(
        _ path: String, limit: Int, offset: Int = 0, select: String? = nil, filters: [(String, String)] = []
    ) -> PlanhatRequest {
        var query = "limit=\(limit)&offset=\(offset)"
        if let select { query += "&select=" + encoded(select) }
        for (name, value) in filters { query += "&\(name)=\(encoded(value))" }
        return PlanhatRequest(method: .get, path: "/\(path)?\(query)")
    }

    /// One record by `_id`, `externalId` or `sourceId`.
    package static func one(_ path: String, key: String, keyField: String) -> PlanhatRequest {
        let prefix =
            switch keyField {
            case "externalId", "extId": "extid-"
            case "sourceId": "srcid-"
            default: ""
            }
        return PlanhatRequest(method: .get, path: "/\(path)/\(prefix)\(encoded(key))")
    }

    /// One record's end. Planhat documents its own id alone here.
    package static func delete(_ path: String, id: String) -> PlanhatRequest {
        PlanhatRequest(method: .delete, path: "/\(path)/\(encoded(id))")
    }

    /// Everything but RFC 3986's unreserved characters as `%XX`.
    static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
