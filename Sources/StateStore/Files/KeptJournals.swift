/// The journals that generations were made from, which name the records that were not accepted.
package enum KeptJournals {
    /// Removes those that say the key; a generation whose journal is gone cannot be made again if it is damaged. The
    /// caller holds the sync's lock. Returns how many.
    package static func remove(_ files: SyncFiles, naming key: String) throws -> Int {
        var removed = 0
        for generation in try files.generations("journal") {
            let path = files.keptJournalPath(generation)
            guard try says(path, Array(key.utf8)) else { continue }
            try StateFolder.remove(path)
            removed += 1
        }
        if removed > 0 { try files.synchronizeFolder() }
        return removed
    }

    private static func says(_ path: String, _ key: [UInt8]) throws -> Bool {
        guard let file = try StateFile.openIfPresent(path, .read), let first = key.first else { return false }
        let map = try MappedFile(file)
        var start = 0
        while let found = unsafe map.bytes[start...].firstIndex(of: first), unsafe map.bytes.count - found >= key.count
        {
            if unsafe map.bytes[found..<(found + key.count)].elementsEqual(key) { return true }
            start = found + 1
        }
        return false
    }
}
