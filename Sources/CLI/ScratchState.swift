internal import Foundation

/// A place for a state directory that lives no longer than a command.
struct ScratchState {
    let path = FileManager.default.temporaryDirectory.path + "/sluice-look-" + UUID().uuidString

    func remove() {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Output.note("\(path) could not be removed.")
        }
    }
}
