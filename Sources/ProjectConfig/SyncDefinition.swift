package import ConnectorKit
package import Records

/// A dataset, an object of a destination, and what goes from the one to the other, how and when.
package struct SyncDefinition: Sendable, Hashable {
    package enum FirstRun: String, Sendable, Hashable, CaseIterable {
        case backfill
        /// What is there at the first run is remembered as if it had been sent.
        case skip
    }

    package enum OnChange: String, Sendable, Hashable, CaseIterable {
        case ignore
        case sendAgain = "send_again"
    }

    package var name: String
    package var dataset: DatasetDefinition
    /// The destination's name in the project.
    package var destination: String
    /// The object's name as written.
    package var object: String
    package var behavior: Behavior
    package var key: KeyDefinition
    package var mappings: [MappingDefinition]
    package var guards = GuardSettings()
    package var allowUnknownCustom = false
    package var firstRun = FirstRun.backfill
    package var onChange = OnChange.ignore
    package var removal = Removal.delete
    /// Whether a value outside a field's choices is sent all the same.
    package var allowUnknownChoices = false
    package var schedule: ScheduleDefinition?
    /// Only what the sync itself says; nil means the project's.
    package var notify: NotifyDefinition?
    package var paused = false
    package var renamedFrom: String?
    package var location: Location
    package var destinationLocation: Location
    package var behaviorLocation: Location

    package init(
        name: String, dataset: DatasetDefinition, destination: String, object: String, behavior: Behavior,
        key: KeyDefinition, mappings: [MappingDefinition], location: Location, destinationLocation: Location? = nil,
        behaviorLocation: Location? = nil
    ) {
        self.name = name
        self.dataset = dataset
        self.destination = destination
        self.object = object
        self.behavior = behavior
        self.key = key
        self.mappings = mappings
        self.location = location
        self.destinationLocation = destinationLocation ?? location
        self.behaviorLocation = behaviorLocation ?? location
    }
}

/// What makes two rows the same record.
package struct KeyDefinition: Sendable, Hashable {
    /// One column; several only where an object is sent.
    package var columns: [String]
    /// The destination's field that the key is written to; nil where an object is sent.
    package var field: String?
    /// The column that names the parent within which the key is unique.
    package var within: String?
    package var location: Location
    package var fieldLocation: Location

    package init(
        columns: [String], field: String?, within: String? = nil, location: Location, fieldLocation: Location? = nil
    ) {
        self.columns = columns
        self.field = field
        self.within = within
        self.location = location
        self.fieldLocation = fieldLocation ?? location
    }
}

/// One field of the destination and where its value comes from.
package struct MappingDefinition: Sendable, Hashable {
    package enum Nulls: String, Sendable, Hashable, CaseIterable {
        /// A null empties the field.
        case clear
        /// A null leaves the field as it is.
        case skip
    }

    package enum Source: Sendable, Hashable {
        case column(String, lookup: String?, nulls: Nulls)
        case constant(Value)
    }

    /// The field as written.
    package var field: String
    package var source: Source
    /// Where the field's name stands.
    package var location: Location
    /// Where the column, the constant or the look-up stands.
    package var valueLocation: Location

    package init(field: String, source: Source, location: Location, valueLocation: Location? = nil) {
        self.field = field
        self.source = source
        self.location = location
        self.valueLocation = valueLocation ?? location
    }
}

/// Where a run stops before it sends anything.
package struct GuardSettings: Sendable, Hashable {
    /// Percent of the known keys that a run may remove.
    package var removedPercentMax: Double = 10
    /// So many removals are always allowed.
    package var removedRowsMin = 5
    /// Percent of the scanned rows that may be invalid.
    package var invalidPercentMax: Double = 50
    /// Percent of the known rows that may change after a column has changed.
    package var schemaChangePercentMax: Double = 50
    /// Percent of the known records in which a field may be emptied whose column holds no value any more.
    package var clearedPercentMax: Double = 10

    package init() {}
}

/// When a sync runs by itself.
package struct ScheduleDefinition: Sendable, Hashable {
    package enum Trigger: Sendable, Hashable {
        case cron(CronExpression, timeZone: String)
        case every(seconds: Int)
        /// After each of these syncs has finished.
        case after([String])
    }

    package var trigger: Trigger
    package var location: Location

    package init(_ trigger: Trigger, location: Location) {
        self.trigger = trigger
        self.location = location
    }
}

/// Whom to tell, of what.
package struct NotifyDefinition: Sendable, Hashable {
    package enum Event: String, Sendable, Hashable, CaseIterable {
        case failure
        case notArrived = "not_arrived"
        case `guard`
        case stale
        case recovery
    }

    package enum Target: Sendable, Hashable {
        /// An address that is posted to.
        case webhook(SettingValue)
        /// A command of the shell.
        case command(SettingValue)
    }

    /// How the text of a webhook is written.
    package enum Form: String, Sendable, Hashable, CaseIterable {
        case json, slack, teams
    }

    package enum Frequency: String, Sendable, Hashable, CaseIterable {
        /// When a state begins, and when it is over.
        case firstTime = "first_time"
        /// With every run that finds it so.
        case everyTime = "every_time"
    }

    package var target: Target
    package var events: [Event]
    /// Nil: what the address's host expects.
    package var form: Form?
    package var sendFor = Frequency.firstTime
    /// `not_arrived` is told where more than this share of the rows did not arrive; of 0 any row is enough.
    package var notArrivedPercentMin: Double = 0
    /// `stale` is told where no run was complete for so long; nil is the schedule's own measure.
    package var staleAfterSeconds: Int?
    /// What a webhook's notices are signed with; nil where they are not.
    package var signingSecret: SettingValue?
    /// Whether a webhook may lie on this machine or in a private network.
    package var allowsPrivate = false
    package var location: Location

    package init(_ target: Target, events: [Event], location: Location) {
        self.target = target
        self.events = events
        self.location = location
    }
}
