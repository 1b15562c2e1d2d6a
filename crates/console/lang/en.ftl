# The console's texts. Keys become functions; see build/words.rs for what an argument is.

tab-plain = { $page }, { $site } – Althing
skip = Skip to content
brand = Althing
demo-note = Simulated data: no device here is real.

# Rail, header, bar
nav-name = Pages
nav-short-name = Pages, short
nav-watch = Watch
nav-analyse = Analyse
nav-keep = Keep
nav-overview = Overview
nav-devices = Devices
nav-explore = Explore
nav-completeness = Completeness
nav-sql = SQL
nav-system = System
nav-about = About
nav-more = More
find-label = Find a device
find-button = Find
live-on = Live
live-lost = Cannot reach Althing; values may be old. Trying again.
refresh = Refresh
durable-none = nothing received yet
durable-to = durable to { $time }
theme-name = Theme
theme-auto = Auto
theme-light = Light
theme-dark = Dark

# Status, values, units of time
status-reporting = Reporting
status-silent = Silent
status-warning = Warning
value-true = on
value-false = off
unit-millisecond = ms
unit-second = s
unit-minute = min
unit-hour = h
unit-day = d
none = none

# Overview
figure-reporting = Devices reporting
figure-of-plain = of { $total }
figure-silent = Silent devices
figure-silent-none = all on time
figure-silent-some = past their rhythm
figure-readings = Readings today
figure-durable = all durable
figure-late = Late data
figure-late-none = nothing late
figure-late-worst-plain = worst { $span }
overview-empty = No device yet. Listening on { $address }.
overview-empty-next = Send a first reading; it appears here by itself, with its chart.
attention-title = Needs attention
attention-none = { $count ->
    [one] Nothing. The one device reports in its rhythm.
   *[other] Nothing. All { $count } devices report in their rhythm.
}
attention-count = { $count ->
    [one] { $count } device
   *[other] { $count } devices
}
attention-all = All silent devices
trouble-silent = Not heard since { $since }
trouble-silent-rhythm = Not heard since { $since }; normally every { $rhythm }
trouble-unreadable = { $count ->
    [one] { $count } message that no dialect could read; it is kept
   *[other] { $count } messages that no dialect could read; they are kept
}
trouble-late = Readings arrive { $span } after they were measured
changed-title = What changed
changed-note = last hour against the hour before
changed-by = { $difference } in 1 h
activity-title = Activity
activity-first = { $device } sent its first message
activity-silent = { $device } went silent
activity-back = { $device } is back
devices-now = Devices now
devices-all = All devices
column-device = Device
column-type = Type
column-status = Status
column-trend = Last 6 h
column-value = Value
column-seen = Last heard

# Faults
fault-gone-title = Nothing here
fault-no-page = There is no page { $path }.
fault-no-device = No device { $handle } here.
fault-no-client = No client { $id } here: its session has ended, or it never was.
fault-similar = Similar:
fault-foreign-title = Not from here
fault-foreign = This form was sent from another site’s page. Nothing was changed.
fault-broken-title = This page cannot be shown
fault-broken = Althing could not read its storage for this page. Everything up to { $time } is stored.
fault-broken-empty = Althing could not read its storage for this page. Nothing was changed.
fault-retry = Try again
fault-home = Go to Overview

# About
about-version = Version
about-mqtt = Devices connect to
about-position = Durable position
about-zone = Time zone
about-licences = Licences
about-what = Althing takes in the readings of devices, keeps every acknowledged one, and answers questions about them.
about-looks = Looks
licences-title = Licences
licences-own = Althing is under the Apache License 2.0.
licences-others = The pages also carry:

# Devices
filter-name = Filter
filter-text = Text in name or type
filter-button = Filter
filter-clear = Clear the filter
facet-all = All
order-label = Sort
order-name = By name
order-heard = Longest unheard
devices-matching = { $count } of { $total } devices
devices-none = No device matches. { $total } without the filter.
devices-span = { $first } to { $last } of { $total }
page-before = Previous
page-after = Next

# Device
charts-title = Charts
last-heard = last heard
range-name = Time shown
range-hour = 1 h
range-half-day = 12 h
range-week = 7 d
range-month = 30 d
range-year = 1 y
show-table = Show as table
show-chart = Show as chart
show-sql = Show as SQL
chart-range = { $range }: { $low } to { $high }
chart-summary-plain = { $count ->
    [one] { $label }, last { $range }: between { $low } and { $high }, now { $last }, with { $count } gap.
   *[other] { $label }, last { $range }: between { $low } and { $high }, now { $last }, with { $count } gaps.
}
charts-hidden = { $count ->
    [one] { $count } more signal has its value below; its name opens its chart.
   *[other] { $count } more signals have their values below; each name opens a chart.
}
column-time = Time
column-last = Last
column-low = Lowest
column-mean = Mean
column-high = Highest
column-topic = Topic
column-dialect = Read as
column-content = Content
column-size = Size
column-position = Position
device-silent-yet = Nothing from this device could be read as a value yet. What it sent is below.
device-no-points = No number within this time. Try a longer one.
now-title = Now
guessed = guessed
identity-title = Identity
identity-type = Type
identity-first = First heard
identity-keys = Known by
identity-id = Id
raw-title = Messages
raw-note = as received, newest first
raw-none = No message is kept any more.
raw-unreadable = not understood

# System
figure-connected = Connected clients
figure-sessions = of { $total ->
    [one] { $total } session
   *[other] { $total } sessions
}
figure-traffic = Messages a second
figure-traffic-out = in; { $rate } out
figure-commit = Commit, 99 of 100
figure-commit-half = half within { $span }
figure-memory = Memory
figure-memory-unknown = not told here
figure-uptime = up for { $span }
system-process = Journal
system-refresh = Refresh
system-journal = Last record
system-durable = Acknowledged up to
system-history = In history up to
system-size = Size
system-lag-none = nothing waits
system-lag = { $count ->
    [one] { $count } record waits
   *[other] { $count } records wait
}
system-full = The disk is full; new readings wait.
system-queued = Wait in queues
system-output = Wait in sockets
system-in-flight = Not confirmed
system-subscriptions = Subscriptions
clients-search = Part of an id or address
clients-matching = { $count ->
    [one] { $count } client
   *[other] { $count } clients
}
clients-none = No client matches.
clients-none-yet = No client yet. Listening on { $address }.
clients-presence = Connection
clients-connected = Connected
clients-away = Away
clients-order-rate = Busiest
clients-order-waiting = Most waiting
clients-first = First page
column-client = Client
column-waiting = Waiting
column-rate = Messages/s
client-in-out = { $received } in, { $sent } out
client-waiting = { $queued } queued, { $flight } unconfirmed
client-connection = Connection
client-session = Session
client-peer = Address
client-listener = Listener
client-version = MQTT
client-since = Connected since
client-heard = Last heard
client-keep-alive = Keep-alive
client-keep-alive-none = none
client-messages = Messages
client-bytes = Bytes
client-rate = Messages a second
client-output = Waits in its socket
client-queued = Queued
client-in-flight = Not confirmed
client-expiry = Kept
client-expiry-never = for ever
client-expiry-end = as long as it is connected
client-expiry-granted = { $span } after its connection
client-expiry-left = { $span } more
client-is-away = Not connected. Its session waits for it.
client-filters = Subscriptions
client-filters-count = Filters
client-filters-none = It listens to nothing.
client-filters-more = Only the first { $count } of { $total } are shown.
trace-title = Packets
trace-what = What the client and the broker say to each other, packet by packet, from now on. Nothing is slowed down by it.
trace-minute = Trace for a minute
trace-minutes = For ten minutes
trace-stop = Stop
trace-payload = With the beginning of each payload
trace-waits = Waiting for packets.
trace-over = The trace is over.
trace-dropped = Too fast to be told:
trace-lost = The line to the site is lost.
trace-way = From
trace-in = client
trace-out = broker
trace-packet = Packet
trace-id = Id
trace-reason = Reason
trace-details = Message
trace-payload-column = Payload
client-close-title = Close the connection
client-close-what = The client is told that an operator closed its connection. It may connect again at once.
client-close = Close the connection of { $client }
client-close-keep = Close, keep its session
client-close-end = Close and end its session
client-end-title = End the session
client-end-what = Its subscriptions and all messages that wait for it are lost.
client-end = End the session of { $client }
client-end-now = End its session

# Explore
explore-choose = Choose signals and devices. Their readings are drawn over one time axis.
explore-start = To start with
explore-suggestion = { $signal } of { $count ->
    [one] { $count } device
   *[other] { $count } devices
}
explore-signals = Signals
explore-devices = Devices
explore-find-signal = Find a signal
explore-find-device = Find a device
explore-chooser = What is drawn
explore-nothing-found = No name matches.
explore-more = { $count ->
    [one] { $count } more. Type a part of its name.
   *[other] { $count } more. Type a part of a name.
}
explore-show = Show
explore-controls = How it is drawn
explore-free = Another time
explore-from = From
explore-to = To
explore-as = Draw
explore-every = Each
explore-compare = Compare with
draw-line = line
draw-raw = every reading
draw-band = lowest to highest
draw-mean = mean
draw-lowest = lowest
draw-highest = highest
draw-sum = sum
draw-last = last
every-auto = automatic
every-day = day
every-week = week
compare-nothing = nothing
compare-period = the time before
compare-day = the day before
compare-week = the week before
compare-year = the year before
explore-move = Move in time
explore-earlier = Earlier
explore-later = Later
explore-closer = Closer
explore-wider = Wider
explore-before = before
explore-numbers = In numbers
explore-values = Values over time
explore-summary-plain = { $count ->
    [one] { $label }: one line, between { $low } and { $high }.
   *[other] { $label }: { $count } lines, between { $low } and { $high }.
}
explore-over-devices = At most { $limit } devices are compared at once; { $count } more { $count ->
    [one] was left out.
   *[other] were left out.
}
explore-over-signals = At most { $limit } signals are drawn at once; { $count } more { $count ->
    [one] was left out.
   *[other] were left out.
}
explore-over-lines = { $signal } has no place among so many lines. Choose fewer devices to see it.
explore-first-devices = No device was chosen: these are the first that have it.
explore-first-signals = No signal was chosen: these are the first with numbers.
explore-no-pair = None of these devices has one of these signals with numbers. Choose others.
explore-coarser = Over this time the chart has no place for buckets of { $wanted }; they have { $step }.
explore-too-many = There are more than { $count } readings in this time, which is more than a chart holds. Draw a line, which looks the same, or choose a shorter time.
explore-draw-line = Draw a line
explore-none = No reading in this time. The last one came at { $time }.
explore-go-there = Go there
explore-time-unclear = The time is not clear. It has a beginning, written like { $example } and in the site’s zone.
explore-time-backwards = The time ends before it begins. Exchange the two.
explore-time-long = A chart shows at most { $span } at once. Choose a later beginning.
explore-table-cut = Only the newest { $count } values are listed; the downloads have all.
explore-fault = These numbers cannot be shown
explore-link = Compare
column-signal = Signal
column-readings = Readings

# SQL
sql-label = Statement
sql-run = Run
sql-hint = Reads only; nothing is changed.
sql-keys = Ctrl Enter runs it.
sql-explain = Explain
sql-stop = Stop
sql-runs = Runs …
sql-ended = Stopped. Nothing was changed.
sql-plan = What it would do
sql-plan-note = Nothing was run.
sql-kind-table = table
sql-kept = Saved
sql-kept-note = in this browser only
sql-name = Name
sql-save = Save
sql-remove = Remove
sql-export = Export
sql-import = Import
sql-history = Last statements
sql-forget = Forget all
sql-table = Rows of the answer
sql-schema = Tables
sql-examples = To start with
sql-rows = { $count ->
    [one] { $count } row in { $took }
   *[other] { $count } rows in { $took }
}
sql-truncated = Only the first { $count } rows are shown; there are more.
sql-no-rows = No row matches.
sql-null = null
sql-fault = The statement cannot be run
sql-read-only = Only statements that read are allowed. Nothing was changed.
sql-stopped = Stopped after { $span }. Nothing was changed. Narrow the time or the devices.
sql-memory = This needs more memory than one statement may take ({ $size }). Nothing was changed. Narrow the time or the devices, or ask for less at once.
sql-too-long-plain = The statement is longer than { $size }.
sql-site = Althing could not read its storage. Nothing was changed; what was acknowledged is stored.
sql-example-latest = Every last value
sql-example-hour = Hourly means of a day
sql-example-silent = Who has been silent longest

# Completeness
completeness-title = Readings of each day
completeness-all-devices = All devices
completeness-span = How many days
completeness-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
completeness-devices = { $count ->
    [one] One device, by day
   *[other] { $count } devices by day, those that lack most first
}
completeness-signals = { $count ->
    [one] One signal, by day
   *[other] { $count } signals by day, those that lack most first
}
completeness-none = No reading within these days or the week before them.
completeness-nothing = nothing missing
completeness-irregular = reports by exception
completeness-all = all
completeness-idle = –
completeness-missing = { $count ->
    [one] { $count } missing
   *[other] { $count } missing
}
completeness-late = { $count ->
    [one] { $count } late
   *[other] { $count } late
}
completeness-suspect = { $count ->
    [one] { $count } suspect
   *[other] { $count } suspect
}
completeness-how = Days are those of UTC. What is expected is learned from the rhythm of each signal over a week; a plain number counts the readings of what reports by exception.
completeness-words = Missing: expected and not there. Late: arrived more than a quarter of an hour after its time. Suspect: the device or its clock is not to be trusted.
completeness-stopped = Stopped after { $span }. The days that were read are kept, so asking again goes on from there.
completeness-again = Ask again
