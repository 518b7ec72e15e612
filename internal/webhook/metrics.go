package webhook

import "github.com/prometheus/client_golang/prometheus"

// metrics count attempts by what became of them. Every label value is known at
// start (C-231): names are those of the configuration.
type metrics struct {
	deliveries *prometheus.CounterVec
	waiting    *prometheus.GaugeVec
}

// retried is the outcome of an attempt that is not the last one.
const retried = "retried"

func newMetrics(r prometheus.Registerer, webhooks []Webhook) *metrics {
	m := &metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tokenwright_webhook_deliveries_total",
			Help: "Attempts of this node to deliver an event, by webhook and outcome: delivered, retried (failed, and comes again) or failed (given up).",
		}, []string{"webhook", "outcome"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tokenwright_webhook_pending",
			Help: "Deliveries of all nodes that are to be sent, or sent again, by webhook; counted up to 10000.",
		}, []string{"webhook"}),
	}
	for _, w := range webhooks {
		m.waiting.WithLabelValues(w.Name)
		for _, outcome := range []string{string(Delivered), retried, string(Failed)} {
			m.deliveries.WithLabelValues(w.Name, outcome)
		}
	}
	if r != nil {
		r.MustRegister(m.deliveries, m.waiting)
	}
	return m
}

// ended counts an attempt whose outcome is written down.
func (m *metrics) ended(d *Delivery) {
	outcome := string(d.State)
	if d.State == Pending {
		outcome = retried
	}
	m.deliveries.WithLabelValues(d.Webhook, outcome).Inc()
}

func (m *metrics) pending(webhook string, n int) { m.waiting.WithLabelValues(webhook).Set(float64(n)) }
