package leaks

import "sync"

// maxWaiting reports wait at most, 18 MiB of the longest.
const maxWaiting = 1000

// queue is the reports that wait, the oldest first.
type queue struct {
	added chan struct{} // has something once there is a report; of capacity 1

	mu      sync.Mutex
	waiting []finding
}

// add tells whether there was room.
func (q *queue) add(f finding) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= maxWaiting {
		return false
	}
	q.waiting = append(q.waiting, f)
	select {
	case q.added <- struct{}{}:
	default: // it knows
	}
	return true
}

// putBack puts f behind all others, also where there is no room: it had some.
func (q *queue) putBack(f finding) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, f)
}

func (q *queue) take() (finding, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.waiting = nil // with what was in its memory
		return finding{}, false
	}
	f := q.waiting[0]
	q.waiting[0] = finding{}
	q.waiting = q.waiting[1:]
	return f, true
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
