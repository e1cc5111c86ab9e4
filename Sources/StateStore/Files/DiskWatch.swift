/// Who is told of what is on the disk for good, so that a simulation can take away the rest, as a power cut does.
///
/// Nobody is told unless the task says so, and only after a sync has returned: writing asks nothing and costs nothing. See
/// decision 30.
package struct DiskWatch: Sendable {
    /// All that was written to the file of this path is on the disk.
    package var fileSynchronized: @Sendable (String) -> Void
    /// All names in the folder of this path are on the disk.
    package var folderSynchronized: @Sendable (String) -> Void

    package init(
        fileSynchronized: @escaping @Sendable (String) -> Void, folderSynchronized: @escaping @Sendable (String) -> Void
    ) {
        self.fileSynchronized = fileSynchronized
        self.folderSynchronized = folderSynchronized
    }

    @TaskLocal package static var current: DiskWatch?
}
