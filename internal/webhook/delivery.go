package webhook

import (
	"context"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// State is how far a delivery has come.
type State string

// The states of a delivery.
const (
	Pending   State = "pending"   // to be sent, or sent again
	Delivered State = "delivered" // the receiver answered 2xx
	Failed    State = "failed"    // given up
)

// ValidState tells whether text names a state.
func ValidState(text string) bool {
	return slices.Contains([]State{Pending, Delivered, Failed}, State(text))
}

// Delivery is one event for one webhook, and what has become of it.
type Delivery struct {
	Webhook  string
	Seq      int64 // of the event
	Kind     authority.EventKind
	State    State
	Attempts int
	Status   int // HTTP status, or SMTP reply, that was last answered; 0 for none
	// Error is why the last attempt failed, as Reason; "" where it did not. Never
	// what a receiver answered.
	Error       string
	CreatedAt   time.Time
	AttemptedAt time.Time // last; zero for never
	NextAt      time.Time // from when on it may be attempted, while pending; else zero
	EndedAt     time.Time // delivered or failed; else zero
	// Told is who has it already, where it goes to several: what Outcome.Told said.
	Told string
}

// Backlog is how far a webhook is behind.
type Backlog struct {
	Cursor  int64 // the last event that was looked at
	Due     bool  // there are deliveries to be attempted now
	Pending int   // deliveries that are neither delivered nor failed; MaxPending for more
}

// MaxPending is up to where pending deliveries are counted.
const MaxPending = 10_000

// Counts is what the delivery log says of a webhook.
type Counts struct {
	Pending, Failed int  // MaxPending for more
	Retrying        bool // of some that are pending the last attempt failed
	DeliveredAt     time.Time
	FailedAt        time.Time // zero for never, as DeliveredAt
}

// Failing tells whether a receiver does not take what it is sent.
func (c *Counts) Failing() bool { return c.Retrying || c.FailedAt.After(c.DeliveredAt) }

// Store keeps cursors and deliveries. Each method is one transaction, and safe
// beside the same one on another node. What has been acknowledged is durable.
type Store interface {
	// Events returns up to limit events in their order, beginning behind after.
	Events(ctx context.Context, after int64, limit int) ([]authority.Event, error)
	// KeepWebhooks notes that the named webhooks are in use at now. One that was
	// not there begins at the last event there is.
	KeepWebhooks(ctx context.Context, names []string, now time.Time) error
	// DropWebhooks forgets webhooks that nobody has kept since before, and their
	// pending deliveries.
	DropWebhooks(ctx context.Context, before time.Time) error
	// WebhookBacklogs returns the backlog of each webhook there is, and the
	// number of the last event. It is cheap, and changes nothing.
	WebhookBacklogs(ctx context.Context, now time.Time) (backlogs map[string]Backlog, head int64, err error)
	// EnqueueDeliveries moves the cursor of a webhook over up to limit events,
	// and adds the deliveries that choose makes of them, perhaps more than once.
	// It returns how many events it has moved over; ErrNotFound where there is no
	// such webhook, ErrConflict where another node has moved the cursor.
	EnqueueDeliveries(ctx context.Context, webhook string, limit int, choose func([]authority.Event) []Delivery) (int, error)
	// ClaimDeliveries takes up to limit pending deliveries that are due at now,
	// those that wait longest first: each has one attempt more and is not due
	// before until, so that nobody else takes it meanwhile.
	ClaimDeliveries(ctx context.Context, webhook string, now, until time.Time, limit int) ([]Delivery, error)
	// SettleDelivery writes what has become of an attempt: state, status, error,
	// next attempt, end of d, and who was told. ErrConflict where d is no longer pending with as
	// many attempts: it took so long that somebody else has claimed it.
	SettleDelivery(ctx context.Context, d *Delivery) error
	// DeleteDeliveries deletes up to limit deliveries that ended before a time,
	// and tells how many.
	DeleteDeliveries(ctx context.Context, before time.Time, limit int) (int, error)
	// Deliveries returns up to limit deliveries of a webhook, the newest event
	// first, beginning behind the event after (0: with the newest); "" is any state.
	Deliveries(ctx context.Context, webhook string, state State, after int64, limit int) ([]Delivery, error)
	// DeliveryCounts returns what the log says of a webhook.
	DeliveryCounts(ctx context.Context, webhook string) (Counts, error)
}
