package main

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	custom "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	external "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
)

const (
	customGroup, customVersion     = "custom.metrics.k8s.io", "v1beta2"
	externalGroup, externalVersion = "external.metrics.k8s.io", "v1beta1"
	metricsFile                    = "metrics.json"
)

// metrics is the adapter an autoscaler asks, with values out of a file that a test writes:
//
//	{"NAMESPACE/METRIC": "12", ...}
//
// The value is the total. Of a Pods metric each ready pod reports its even share; an Object or an
// External metric is the total. A metric that is not in the file, or no file, is a metric that nobody
// reports. The file is read for each question.
type metrics struct {
	client kubernetes.Interface
	values string
}

func runMetrics() error {
	flags := flag.NewFlagSet("metrics", flag.ExitOnError)
	listen := flags.String("listen", "", "loopback HOST:PORT")
	keys := flags.String("keys", "", "folder with server.crt and server.key")
	kubeconfig := flags.String("config-file", "", "how to reach the API server")
	values := flags.String("values", "", "the file with the values")
	_ = flags.Parse(os.Args[1:])
	config, err := clientOf(*kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	m := &metrics{client: client, values: *values}
	routes := http.NewServeMux()
	for _, api := range []string{customGroup + "/" + customVersion, externalGroup + "/" + externalVersion} {
		list := meta.APIResourceList{
			TypeMeta: meta.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: api,
			APIResources: []meta.APIResource{},
		}
		routes.HandleFunc("GET /apis/"+api, func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, list) })
	}
	routes.HandleFunc("GET /apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}", m.external)
	routes.HandleFunc("GET /apis/custom.metrics.k8s.io/v1beta2/namespaces/{namespace}/pods/*/{metric}", m.pods)
	routes.HandleFunc("GET /apis/custom.metrics.k8s.io/v1beta2/namespaces/{namespace}/{kind}/{name}/{metric}", m.object)
	return http.ListenAndServeTLS(*listen, filepath.Join(*keys, "server.crt"), filepath.Join(*keys, "server.key"), routes)
}

func (m *metrics) external(w http.ResponseWriter, r *http.Request) {
	list := external.ExternalMetricValueList{
		TypeMeta: meta.TypeMeta{Kind: "ExternalMetricValueList", APIVersion: externalGroup + "/" + externalVersion},
		Items:    []external.ExternalMetricValue{},
	}
	if value, found := m.value(r); found {
		list.Items = append(list.Items, external.ExternalMetricValue{
			MetricName: r.PathValue("metric"), MetricLabels: map[string]string{}, Timestamp: meta.Now(), Value: value,
		})
	}
	answer(w, http.StatusOK, list)
}

func (m *metrics) pods(w http.ResponseWriter, r *http.Request) {
	value, found := m.value(r)
	if !found {
		nobody(w, r)
		return
	}
	pods, err := m.client.CoreV1().Pods(r.PathValue("namespace")).List(context.Background(),
		meta.ListOptions{LabelSelector: r.URL.Query().Get("labelSelector")})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var ready []string
	for _, pod := range pods.Items {
		for _, condition := range pod.Status.Conditions {
			if pod.DeletionTimestamp == nil && condition.Type == core.PodReady && condition.Status == core.ConditionTrue {
				ready = append(ready, pod.Name)
			}
		}
	}
	list := values()
	for _, name := range ready {
		share := *resource.NewMilliQuantity(value.MilliValue()/int64(len(ready)), resource.DecimalSI)
		list.Items = append(list.Items, reported(r, "Pod", name, share))
	}
	answer(w, http.StatusOK, list)
}

func (m *metrics) object(w http.ResponseWriter, r *http.Request) {
	value, found := m.value(r)
	if !found {
		nobody(w, r)
		return
	}
	list := values()
	list.Items = append(list.Items, reported(r, r.PathValue("kind"), r.PathValue("name"), value))
	answer(w, http.StatusOK, list)
}

func (m *metrics) value(r *http.Request) (resource.Quantity, bool) {
	text, err := os.ReadFile(m.values)
	if err != nil {
		return resource.Quantity{}, false
	}
	var all map[string]resource.Quantity
	if err := json.Unmarshal(text, &all); err != nil {
		return resource.Quantity{}, false
	}
	value, found := all[r.PathValue("namespace")+"/"+r.PathValue("metric")]
	return value, found
}

func values() custom.MetricValueList {
	return custom.MetricValueList{
		TypeMeta: meta.TypeMeta{Kind: "MetricValueList", APIVersion: customGroup + "/" + customVersion},
		Items:    []custom.MetricValue{},
	}
}

func reported(r *http.Request, kind, name string, value resource.Quantity) custom.MetricValue {
	return custom.MetricValue{
		DescribedObject: core.ObjectReference{Kind: kind, Namespace: r.PathValue("namespace"), Name: name},
		Metric:          custom.MetricIdentifier{Name: r.PathValue("metric")},
		Timestamp:       meta.Now(), Value: value,
	}
}

func nobody(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusNotFound, meta.Status{
		TypeMeta: meta.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: meta.StatusFailure,
		Reason: meta.StatusReasonNotFound, Code: http.StatusNotFound,
		Message: "nobody reports " + strings.TrimPrefix(r.URL.Path, "/apis/"),
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
