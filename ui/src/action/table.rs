//! The table of actions. A row says everything about an action except what it does; that is in `app` and in the panes.

use noctule_domain::permission::Permission;
use noctule_domain::words;

words!(
    /// Where a key means something. Several contexts are active at once, the innermost first; a pane lists its own, then `list`, then `global`.
    Context {
        Global = "global",
        List = "list",
        Overview = "overview",
        Subscribers = "subscribers",
        Detail = "subscriber-detail",
        Technicians = "technicians",
        Tasks = "tasks",
        Map = "map",
        Operations = "operations",
        Network = "network",
        Log = "log",
        Sync = "sync",
        Drift = "drift",
        /// A conflict of the outbox, above the Sync pane.
        Conflict = "conflict",
        Input = "input",
        Menu = "menu",
        Confirm = "confirm",
        Overlay = "overlay",
    }
);

/// The contexts that are read together, innermost first: in each of these a key has one meaning.
pub const STACKS: &[&[Context]] = &[
    &[Context::Overview, Context::Global],
    &[Context::Subscribers, Context::List, Context::Global],
    &[Context::Detail, Context::Global],
    &[Context::Technicians, Context::List, Context::Global],
    &[Context::Tasks, Context::List, Context::Global],
    &[Context::Map, Context::Global],
    &[Context::Operations, Context::List, Context::Global],
    &[Context::Network, Context::List, Context::Global],
    &[Context::Log, Context::Global],
    &[Context::Sync, Context::Global],
    &[Context::Drift, Context::List, Context::Global],
    &[Context::Conflict],
    &[Context::Input],
    &[Context::Menu],
    &[Context::Confirm],
    &[Context::Overlay],
];

words!(
    /// How actions are gathered in the help; the first word is also the label of a prefix key.
    Group {
        Console = "console",
        Panes = "panes",
        Move = "go",
        List = "list",
        Lifecycle = "IPv6",
        Copy = "copy",
        Field = "field",
        Operations = "operations",
        Network = "network",
        Map = "map",
        Sync = "sync",
        Drift = "drift",
        Emergency = "emergency",
        Typing = "typing",
    }
);

words!(
    /// What an action does to the world. `dangerous` always confirms with the target and the count.
    Weight { Safe = "safe", Write = "write", Dangerous = "dangerous" }
);

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct ActionRow {
    pub action: Action,
    /// Kebab-case, stable: in keymaps, in the command line, in the audit.
    pub name: &'static str,
    /// One or two words for the footer.
    pub label: &'static str,
    pub help: &'static str,
    pub group: Group,
    pub contexts: &'static [Context],
    /// Default keys; keys of a sequence are separated by blanks.
    pub keys: &'static [&'static str],
    pub weight: Weight,
    pub needs: Permission,
}

macro_rules! actions {
    ($($variant:ident $name:literal $label:literal $group:ident [$($context:ident)*] [$($key:literal)*] $weight:ident $needs:ident $help:literal;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $($variant),+ }

        /// Every action. The order is the order in the help, and the order in which the footer gives its place away.
        pub const TABLE: &[ActionRow] = &[$(ActionRow {
            action: Action::$variant,
            name: $name,
            label: $label,
            help: $help,
            group: Group::$group,
            contexts: &[$(Context::$context),*],
            keys: &[$($key),*],
            weight: Weight::$weight,
            needs: Permission::$needs,
        }),+];
    };
}

actions! {
    // The lifecycle.
    Allocate "ipv6-allocate" "allocate" Lifecycle [Subscribers Detail] ["i a"] Write Ipv6Allocate "take a prefix from NetBox for the selected or marked subscribers";
    AllocateWith "ipv6-allocate-with" "allocate…" Lifecycle [Subscribers Detail] ["i A"] Write Ipv6Allocate "allocate with another length, /48 to /64";
    Activate "ipv6-activate" "activate" Lifecycle [Subscribers Detail] ["i c"] Write Ipv6Activate "put the allocated prefix into service; a live session is told by CoA";
    Suspend "ipv6-suspend" "suspend" Lifecycle [Subscribers Detail] ["i s"] Write Ipv6Suspend "stop the subscriber's IPv6 on the NAS, keep the prefix";
    SuspendWith "ipv6-suspend-with" "suspend…" Lifecycle [Subscribers Detail] ["i S"] Write Ipv6Suspend "suspend with a reason: dunning, abuse, request, fraud, maintenance or your own words";
    Resume "ipv6-resume" "resume" Lifecycle [Subscribers Detail] ["i r"] Write Ipv6Resume "put a suspended prefix back into service";
    Revoke "ipv6-revoke" "revoke" Lifecycle [Subscribers Detail] ["i v"] Dangerous Ipv6Revoke "disconnect, then give the prefix back to NetBox to rest";
    RevokeWith "ipv6-revoke-with" "revoke…" Lifecycle [Subscribers Detail] ["i V"] Dangerous Ipv6Revoke "revoke with a reason, without Disconnect, without release or by force";
    Provision "ipv6-provision" "provision" Lifecycle [Subscribers Detail] ["i p"] Write Ipv6Activate "allocate, write the login, activate, and wait until accounting shows it";
    ProvisionWith "ipv6-provision-with" "provision…" Lifecycle [Subscribers Detail] ["i P"] Write Ipv6Activate "provision without waiting for the proof, or giving the prefix back when it goes wrong";
    Deprovision "ipv6-deprovision" "deprovision" Lifecycle [Subscribers Detail] ["i d"] Dangerous Ipv6Revoke "suspend, revoke, and leave the prefix to its rest";
    DeprovisionWith "ipv6-deprovision-with" "deprovision…" Lifecycle [Subscribers Detail] ["i D"] Dangerous Ipv6Revoke "deprovision with a reason";
    OnFilter "ipv6-on-filter" "all that match" Lifecycle [Subscribers] ["i f"] Write Read "one of these for everybody that the filter matches, however many";
    Status "ipv6-status" "status" Lifecycle [Subscribers Detail] ["i i"] Safe Read "everything that is known about the subscriber, asked anew";
    OpenOperation "operation-of-subscriber" "its operation" Lifecycle [Subscribers Detail] ["i o"] Safe Read "go to the running or latest operation of this subscriber";

    // Field service.
    TaskStatus "task-status" "status" Field [Tasks] ["m"] Write OwnWrite "move the task to another status";
    TaskAssign "task-assign" "assign" Field [Tasks] ["a"] Write FieldWrite "assign the task to a technician";
    TaskUnassign "task-unassign" "unassign" Field [Tasks] ["A"] Write FieldWrite "take the technician off the task";
    TaskNotes "task-notes" "notes" Field [Tasks] ["e"] Write OwnWrite "write the notes of the task";
    TaskBoard "task-board" "board" Field [Tasks] ["b"] Safe Read "switch between list and board by status";
    TaskOpenOnly "task-open-only" "open only" Field [Tasks] ["o"] Safe Read "show or hide tasks that have ended";
    ShowOnMap "show-on-map" "on map" Field [Technicians Tasks Network Subscribers Detail] ["g m"] Safe Read "show this on the map";
    ClockIn "clock-in" "clock in" Field [Technicians] ["c"] Write OwnWrite "begin the working time of this technician, after choosing its kind";
    ClockOut "clock-out" "clock out" Field [Technicians] ["C"] Write OwnWrite "end the working time of this technician";
    ShowTasks "show-tasks" "tasks" Field [Technicians] ["t"] Safe Read "the tasks of this technician";
    ShowSubscriber "show-subscriber" "subscriber" Field [Tasks Operations Drift] ["g s"] Safe Read "the subscriber of this row";

    // Operations.
    OperationResume "operation-resume" "try now" Operations [Operations] ["t"] Write Ipv6Allocate "try the present step of a waiting operation now";
    OperationCancel "operation-cancel" "cancel" Operations [Operations] ["x"] Dangerous Ipv6Allocate "end an open operation that has had no effect yet";
    OperationRetry "operation-retry" "start again" Operations [Operations] ["T"] Write Ipv6Allocate "begin an ended operation anew for the same subscriber";
    Jobs "jobs" "jobs" Operations [Operations Subscribers Detail] ["J"] Safe Read "jobs over many subscribers: how far they are, pause, go on, cancel, retry, export";
    OperationsOpenOnly "operations-open-only" "open only" Operations [Operations] ["o"] Safe Read "show or hide operations that have ended";

    // Network.
    NasProbe "nas-probe" "probe" Network [Network] ["p"] Safe Read "ask the NAS something harmless: its round-trip, or by experiments why it is silent";
    NetworkDetail "network-detail" "detail" Network [Network] ["d"] Safe Read "the selected pool or NAS in full, with what its last probe showed; again or esc closes it";
    PoolsRefresh "pools-refresh" "read pools" Network [Network] ["P"] Safe Read "read the pools from NetBox now";
    NasSubscribers "nas-subscribers" "subscribers" Network [Network] ["g s"] Safe Read "the subscribers of this NAS";

    // Map.
    MapZoomIn "map-zoom-in" "in" Map [Map] ["+" "="] Safe Read "zoom in";
    MapZoomOut "map-zoom-out" "out" Map [Map] ["-"] Safe Read "zoom out";
    MapFit "map-fit" "fit" Map [Map] ["f"] Safe Read "show everything";
    MapFollow "map-follow" "follow" Map [Map] ["F"] Safe Read "keep the selected technician in the middle";
    MapNext "map-next" "next" Map [Map] ["n"] Safe Read "select the next marker";
    MapPrevious "map-previous" "previous" Map [Map] ["N"] Safe Read "select the previous marker";
    MapLayers "map-layers" "layers" Map [Map] ["o"] Safe Read "choose what the map shows";
    MapOpen "map-open" "open" Map [Map] ["enter"] Safe Read "open the selected marker";
    MapSearch "map-search" "search" Map [Map] ["/"] Safe Read "jump to a name on the map";
    MapMarker "map-marker" "dots" Map [Map] ["d"] Safe Read "draw with braille, blocks or ASCII";
    MapLegend "map-legend" "legend" Map [Map] ["e"] Safe Read "show or hide what the signs mean";
    MapLeft "map-left" "left" Move [Map] ["left" "h"] Safe Read "a quarter screen to the left";
    MapRight "map-right" "right" Move [Map] ["right" "l"] Safe Read "a quarter screen to the right";
    MapUp "map-up" "up" Move [Map] ["up" "k"] Safe Read "a quarter screen up";
    MapDown "map-down" "down" Move [Map] ["down" "j"] Safe Read "a quarter screen down";
    MapCellLeft "map-cell-left" "one left" Move [Map] ["shift-left" "H"] Safe Read "one cell to the left";
    MapCellRight "map-cell-right" "one right" Move [Map] ["shift-right" "L"] Safe Read "one cell to the right";
    MapCellUp "map-cell-up" "one up" Move [Map] ["shift-up" "K"] Safe Read "one cell up";
    MapCellDown "map-cell-down" "one down" Move [Map] ["shift-down" "J"] Safe Read "one cell down";

    // Log.
    LogLess "log-less" "less" List [Log] ["-"] Safe Read "show fewer levels of the log";
    LogMore "log-more" "more" List [Log] ["+" "="] Safe Read "show more levels of the log";
    LogFollow "log-follow" "follow" List [Log] ["f"] Safe Read "back to the newest line, and stay there";

    // Drift.
    DriftRepair "drift-repair" "repair" Drift [Drift] ["f"] Write Read "repair the selected finding, as its preview says";
    DriftRepairKind "drift-repair-kind" "repair all" Drift [Drift] ["F"] Dangerous Read "repair all findings of this kind that are shown";
    DriftDismiss "drift-dismiss" "dismiss" Drift [Drift] ["d"] Write SubscriberWrite "dismiss the finding with a reason; on a dismissed one, take that back";
    DriftCheck "drift-check" "check now" Drift [Drift] ["C"] Safe Read "compare subscribers, NetBox, AAA and sessions now";
    DriftStop "drift-stop" "stop check" Drift [Drift] ["X"] Safe Read "stop the running check; what was found before stays";

    // Conflicts of the outbox.
    ConflictMine "conflict-mine" "keep mine" Sync [Conflict] ["m"] Write Read "ask the centre again for mine, over theirs";
    ConflictTheirs "conflict-theirs" "take theirs" Sync [Conflict] ["t" "x"] Write Read "leave theirs; what was refused is put away as seen";
    ConflictBoth "conflict-both" "both" Sync [Conflict] ["b"] Write Read "keep both texts: theirs, a line break, mine";

    // Lists.
    Open "open" "open" List [List Sync] ["enter"] Safe Read "open what is selected";
    Filter "filter" "filter" List [List] ["/"] Safe Read "narrow the list: state:active nas:bng-3 prefix:2001:db8::/40 text";
    Mark "mark" "mark" List [Subscribers] ["space"] Safe Read "mark or unmark the row for a bulk action";
    Sort "sort" "sort" List [List] ["s"] Safe Read "choose the column to sort by";
    SortReverse "sort-reverse" "reverse" List [List] ["S"] Safe Read "turn the order round";
    Columns "columns" "columns" List [Subscribers] ["c"] Safe Read "choose which columns are shown";
    Range "mark-range" "range" List [Subscribers] ["v"] Safe Read "begin or end marking a range of rows";
    Invert "mark-invert" "invert" List [Subscribers] ["*"] Safe Read "turn the marks of all loaded rows round";
    MarkAll "mark-all" "mark all" List [Subscribers] ["M"] Safe Read "mark every row that the filter matches";
    NextMatch "next-match" "next" List [List Detail] ["n"] Safe Read "next row that matches; in the detail, the next subscriber";
    PreviousMatch "previous-match" "previous" List [List Detail] ["N"] Safe Read "previous row that matches; in the detail, the previous subscriber";
    Undo "undo" "undo" List [Subscribers] ["u"] Safe Read "take back the last change of filter, sort, columns or marks";
    Redo "redo" "redo" List [Subscribers] ["U"] Safe Read "do again what was taken back";
    SubscriberNotes "subscriber-notes" "notes" List [Subscribers Detail] ["e"] Write SubscriberWrite "write the notes of the subscriber";

    // Copying.
    CopyRow "copy-row" "row" Copy [List Detail Sync Conflict] ["y y"] Safe Read "copy the row as text";
    CopyNumber "copy-number" "number" Copy [List Detail] ["y n"] Safe Read "copy the number";
    CopyName "copy-name" "name" Copy [List Detail] ["y u"] Safe Read "copy the user name or name";
    CopyPrefix "copy-prefix" "prefix" Copy [List Detail] ["y p"] Safe Read "copy the prefix or address";
    CopyId "copy-id" "id" Copy [List Detail Sync] ["y i"] Safe Read "copy the id";
    CopyJson "copy-json" "JSON" Copy [List Detail Sync] ["y j"] Safe Read "copy as JSON";
    CopyTicket "copy-ticket" "ticket text" Copy [List Detail Sync] ["y t"] Safe Read "copy as text for a ticket";

    // With the centre away (rule 11).
    EmergencyDisconnect "emergency-disconnect" "disconnect" Emergency [Subscribers Detail] ["! d"] Dangerous Ipv6Force "with the centre away: send a Disconnect to the NAS of the session at once";
    EmergencySuspend "emergency-coa-suspend" "CoA suspend" Emergency [Subscribers Detail] ["! s"] Dangerous Ipv6Force "with the centre away: send the CoA that suspends to the NAS of the session at once";

    // Movement.
    Up "up" "up" Move [List Detail Overview Log Sync Conflict Overlay Menu Confirm] ["up" "k"] Safe Read "one up";
    Down "down" "down" Move [List Detail Overview Log Sync Conflict Overlay Menu Confirm] ["down" "j"] Safe Read "one down";
    Left "left" "left" Move [List Detail Overview Log] ["left" "h"] Safe Read "to the left";
    Right "right" "right" Move [List Detail Overview Log] ["right" "l"] Safe Read "to the right";
    PageUp "page-up" "page up" Move [List Detail Overview Log Sync Conflict Overlay Menu Confirm] ["pageup" "ctrl-u"] Safe Read "one screen up";
    PageDown "page-down" "page down" Move [List Detail Overview Log Sync Conflict Overlay Menu Confirm] ["pagedown" "ctrl-d"] Safe Read "one screen down";
    Top "top" "top" Move [List Detail Overview Log Sync Conflict Overlay Menu] ["g g" "home"] Safe Read "to the beginning";
    Bottom "bottom" "bottom" Move [List Detail Overview Log Sync Conflict Overlay Menu] ["G" "end"] Safe Read "to the end";
    OpenAlert "open-alert" "open" List [Overview] ["enter"] Safe Read "go to the rows behind the selected line";

    // The console.
    Help "help" "help" Console [Global] ["?" "f1"] Safe Read "what can be done here, searchable";
    Palette "palette" "palette" Console [Global] ["ctrl-p"] Safe Read "find an action by name and do it";
    Command "command" "command" Console [Global] [":"] Safe Read "type a command: :state active, :sort name, :goto N-000123";
    Refresh "refresh" "refresh" Console [Global] ["r" "f5"] Safe Read "ask anew for what is shown here";
    RefreshAll "refresh-all" "refresh all" Console [Global] ["R"] Safe Read "ask anew everywhere, NetBox too";
    SyncNow "sync-now" "sync now" Console [Global] ["f9"] Safe Read "try the centre now, push what waits, read what is new";
    Notices "notices" "notices" Console [Global] ["g n"] Safe Read "everything that was said, newest first";
    HistoryBack "history-back" "back in history" Console [Global] ["[" "alt-left"] Safe Read "to the place before";
    HistoryForward "history-forward" "forward in history" Console [Global] ["]" "alt-right"] Safe Read "to the place after";
    Mouse "mouse" "mouse" Console [Global] ["f2"] Safe Read "turn the mouse on or off";
    ThemeMenu "theme" "theme" Console [Global] [] Safe Read "choose the theme";
    AsciiToggle "ascii" "ASCII" Console [Global] [] Safe Read "draw with ASCII only, or not";
    Redraw "redraw" "redraw" Console [Global] ["f6"] Safe Read "clear the terminal and draw everything anew";
    Escape "escape" "back" Console [Global] ["esc"] Safe Read "one level back; never leaves the console, never changes anything";
    Back "back" "back" Console [Global] ["q"] Safe Read "one level back; at the root asks to quit";
    Quit "quit" "quit" Console [Global Input Menu Confirm Overlay Conflict] ["ctrl-c"] Safe Read "leave; asks first while work is under way";
    SuspendConsole "suspend-console" "suspend" Console [Global Input Menu Confirm Overlay Conflict] ["ctrl-z"] Safe Read "stop like any Unix program; fg brings it back";

    // Panes.
    PaneOverview "pane-overview" "Overview" Panes [Global] ["1"] Safe Read "state counts, pools, alerts, today";
    PaneSubscribers "pane-subscribers" "Subscribers" Panes [Global] ["2"] Safe Read "the IPv6 board";
    PaneTechnicians "pane-technicians" "Technicians" Panes [Global] ["3"] Safe Read "people in the field";
    PaneTasks "pane-tasks" "Tasks" Panes [Global] ["4"] Safe Read "tasks as list and board";
    PaneMap "pane-map" "Map" Panes [Global] ["5"] Safe Read "technicians, tasks and NASes on the map";
    PaneOperations "pane-operations" "Operations" Panes [Global] ["6"] Safe Read "what runs, waits, failed, with every step";
    PaneNetwork "pane-network" "Network" Panes [Global] ["7"] Safe Read "pools and NAS registry";
    PaneLog "pane-log" "Log" Panes [Global] ["8"] Safe Read "the log of this console";
    PaneSync "pane-sync" "Sync" Panes [Global] ["9"] Safe Read "how the centre stands: copy, outbox, conflicts, who else is there";
    PaneDrift "pane-drift" "Drift" Panes [Global] ["0"] Safe Read "what differs between subscribers, NetBox, AAA and sessions, and its repair";
    PaneNext "pane-next" "next pane" Panes [Global] ["tab"] Safe Read "next pane";
    PanePrevious "pane-previous" "previous pane" Panes [Global] ["backtab"] Safe Read "previous pane";

    // Typing, choosing, confirming.
    InputAccept "input-accept" "accept" Typing [Input] ["enter"] Safe Read "take what is typed or selected";
    InputCancel "input-cancel" "cancel" Typing [Input] ["esc"] Safe Read "drop what is typed";
    InputComplete "input-complete" "complete" Typing [Input] ["tab"] Safe Read "complete the word; again for the next candidate";
    InputCompleteBack "input-complete-back" "complete back" Typing [Input] ["backtab"] Safe Read "the candidate before";
    InputPrevious "input-previous" "previous" Typing [Input] ["up"] Safe Read "line above, or the entry before in the history";
    InputNext "input-next" "next" Typing [Input] ["down"] Safe Read "line below, or the entry after in the history";
    InputPageUp "input-page-up" "page up" Typing [Input] ["pageup"] Safe Read "one screen up in the list below the input";
    InputPageDown "input-page-down" "page down" Typing [Input] ["pagedown"] Safe Read "one screen down in the list below the input";
    MenuAccept "menu-accept" "choose" Typing [Menu] ["enter" "space"] Safe Read "take the selected line; its letter does the same";
    ConfirmYes "confirm-yes" "yes" Typing [Confirm] ["y"] Safe Read "do it";
    ConfirmNo "confirm-no" "no" Typing [Confirm] ["n" "esc" "q"] Safe Read "leave it";
    Close "close" "close" Typing [Overlay Menu Conflict] ["esc" "q"] Safe Read "close what is above the pane";
}

impl Action {
    pub const fn row(self) -> &'static ActionRow {
        &TABLE[self as usize]
    }

    pub const fn name(self) -> &'static str {
        self.row().name
    }

    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.action)
    }
}
