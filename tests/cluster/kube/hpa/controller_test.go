// Package hpa plays scenarios on the HorizontalPodAutoscaler controller of Kubernetes itself, in the
// virtual time of testing/synctest: half an hour takes milliseconds, and no cluster is needed. The
// Deployment, its pods and the metrics API are in memory.
//
// Scenarios come on standard input, one JSON line each, as src/autoscale/scenario_json.h describes them;
// the answer to each is a line in the file of -out: [[milliseconds, replicas], ...] for every sync.
package hpa

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	scaleclient "k8s.io/client-go/scale"
	"k8s.io/klog/v2"
	defaults "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

// What kube-controller-manager starts the controller with.
const (
	syncPeriod        = 15 * time.Second
	downscaleWindow   = 5 * time.Minute
	tolerance         = 0.1
	cpuInitialization = 5 * time.Minute
	initialReadiness  = 30 * time.Second
	namespace, target = "default", "server"
	timeOfDecision    = 10 * time.Millisecond // autoscale::Clock::processing
)

var selected = map[string]string{"app": target}

type scenario struct {
	HPA      autoscalingv2.HorizontalPodAutoscalerSpec `json:"hpa"`
	Replicas int                                       `json:"replicas"`
	Duration float64                                   `json:"duration_s"`
	Startup  float64                                   `json:"startup_s"`
	Total    [][2]float64                              `json:"total"`
}

func seconds(count float64) time.Duration { return time.Duration(count * float64(time.Second)) }

// cluster is what the controller sees of the world, and changes. It is its metrics client and its
// client of scale subresources.
type cluster struct {
	scenario
	t       *testing.T
	client  *fake.Clientset
	started time.Time

	mutex  sync.Mutex
	wanted int
	pods   []pod // oldest first
	made   int
	syncs  [][2]int64
}

type pod struct {
	name  string
	ready time.Time
}

func (c *cluster) readyPods() []string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var names []string
	for _, one := range c.pods {
		if !time.Now().Before(one.ready) {
			names = append(names, one.name)
		}
	}
	return names
}

func (c *cluster) total() float64 {
	value, now := c.Total[0][1], time.Since(c.started)
	for _, step := range c.Total {
		if seconds(step[0]) <= now {
			value = step[1]
		}
	}
	return value
}

// resize makes pods, which run at once and are ready after a while, or deletes the newest, which are
// those that are not ready where there are such.
func (c *cluster) resize(replicas int, startup time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.wanted = replicas
	background := context.Background()
	for len(c.pods) > replicas {
		last := c.pods[len(c.pods)-1]
		c.pods = c.pods[:len(c.pods)-1]
		c.must(c.client.CoreV1().Pods(namespace).Delete(background, last.name, metav1.DeleteOptions{}))
	}
	for len(c.pods) < replicas {
		c.made++
		made := pod{fmt.Sprintf("server-%05d", c.made), time.Now().Add(startup)}
		c.pods = append(c.pods, made)
		condition := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse,
			LastTransitionTime: metav1.Now()}
		if startup == 0 {
			condition.Status = corev1.ConditionTrue
		}
		began := metav1.Now()
		_, err := c.client.CoreV1().Pods(namespace).Create(background, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: made.name, Namespace: namespace, Labels: selected},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &began,
				Conditions: []corev1.PodCondition{condition}},
		}, metav1.CreateOptions{})
		c.must(err)
		if startup > 0 {
			time.AfterFunc(startup, func() { c.becomeReady(made.name) })
		}
	}
}

func (c *cluster) becomeReady(name string) {
	background := context.Background()
	found, err := c.client.CoreV1().Pods(namespace).Get(background, name, metav1.GetOptions{})
	if err != nil {
		return // deleted before it was ready
	}
	found.Status.Conditions[0].Status = corev1.ConditionTrue
	found.Status.Conditions[0].LastTransitionTime = metav1.Now()
	_, _ = c.client.CoreV1().Pods(namespace).UpdateStatus(background, found, metav1.UpdateOptions{})
}

func (c *cluster) must(err error) {
	if err != nil {
		c.t.Error(err)
	}
}

// Scales and what follows: the scale subresource of the one Deployment. Every sync begins with a Get.
func (c *cluster) Scales(string) scaleclient.ScaleInterface { return c }

func (c *cluster) Get(context.Context, schema.GroupResource, string, metav1.GetOptions) (*autoscalingv1.Scale, error) {
	time.Sleep(timeOfDecision)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.syncs = append(c.syncs, [2]int64{time.Since(c.started).Milliseconds(), int64(c.wanted)})
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: target},
		Spec:       autoscalingv1.ScaleSpec{Replicas: int32(c.wanted)},
		Status:     autoscalingv1.ScaleStatus{Replicas: int32(len(c.pods)), Selector: labels.FormatLabels(selected)},
	}, nil
}

func (c *cluster) Update(_ context.Context, _ schema.GroupResource, scale *autoscalingv1.Scale,
	_ metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	c.resize(int(scale.Spec.Replicas), seconds(c.Startup))
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.syncs[len(c.syncs)-1][1] = int64(scale.Spec.Replicas)
	return scale, nil
}

func (c *cluster) Patch(context.Context, schema.GroupVersionResource, string, types.PatchType, []byte,
	metav1.PatchOptions) (*autoscalingv1.Scale, error) {
	return nil, errors.New("not used by the controller")
}

func milli(value float64) int64 { return int64(value*1000 + 0.5) }

// GetRawMetric is for metrics of type Pods: what each ready pod reports.
func (c *cluster) GetRawMetric(string, string, labels.Selector, labels.Selector) (metrics.PodMetricsInfo, time.Time, error) {
	names := c.readyPods()
	if len(names) == 0 {
		return nil, time.Time{}, errors.New("no pod reports the metric")
	}
	reported := metrics.PodMetricsInfo{}
	for _, name := range names {
		reported[name] = metrics.PodMetric{Timestamp: time.Now(), Window: time.Minute,
			Value: milli(c.total() / float64(len(names)))}
	}
	return reported, time.Now(), nil
}

func (c *cluster) GetExternalMetric(string, string, labels.Selector) ([]int64, time.Time, error) {
	return []int64{milli(c.total())}, time.Now(), nil
}

func (c *cluster) GetObjectMetric(string, string, *autoscalingv2.CrossVersionObjectReference,
	labels.Selector) (int64, time.Time, error) {
	return 0, time.Time{}, errors.New("no scenario has one")
}

func (c *cluster) GetResourceMetric(context.Context, corev1.ResourceName, string, labels.Selector,
	string) (metrics.PodMetricsInfo, time.Time, error) {
	return nil, time.Time{}, errors.New("no scenario has one")
}

// play returns the milliseconds of each sync, and the replicas after it.
func play(t *testing.T, what scenario) (syncs [][2]int64) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		c := &cluster{scenario: what, t: t, client: fake.NewClientset()}
		c.resize(what.Replicas, 0)

		autoscaler := &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: target}, Spec: what.HPA}
		autoscaler.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{
			APIVersion: "apps/v1", Kind: "Deployment", Name: target}
		defaults.SetObjectDefaults_HorizontalPodAutoscaler(autoscaler)
		kinds := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Group: "apps", Version: "v1"}})
		kinds.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)

		shared := informers.NewSharedInformerFactory(c.client, 0)
		controller := podautoscaler.NewHorizontalController(ctx, c.client.CoreV1(), c,
			c.client.AutoscalingV2(), kinds, c, shared.Autoscaling().V2().HorizontalPodAutoscalers(),
			shared.Core().V1().Pods(), syncPeriod, downscaleWindow, tolerance, cpuInitialization, initialReadiness)
		shared.Start(ctx.Done())
		shared.WaitForCacheSync(ctx.Done())
		go controller.Run(ctx, 1)
		synctest.Wait()

		c.started = time.Now()
		_, err := c.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Create(ctx, autoscaler, metav1.CreateOptions{})
		c.must(err)
		time.Sleep(seconds(what.Duration))
		synctest.Wait()
		c.mutex.Lock()
		syncs = slices.Clone(c.syncs)
		c.mutex.Unlock()

		stop()
		shared.Shutdown()
		time.Sleep(time.Hour) // what the controller started ends on timers of its own
		synctest.Wait()
	})
	return syncs
}

var out = flag.String("out", "", "where the answers go")

func TestScenarios(t *testing.T) {
	// By default a second error waits for the clock on the wall.
	utilruntime.ErrorHandlers = nil
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	answers, err := os.Create(*out)
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	lines, encoder := json.NewDecoder(os.Stdin), json.NewEncoder(answers)
	for {
		var one scenario
		if err := lines.Decode(&one); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if err := encoder.Encode(play(t, one)); err != nil {
			t.Fatal(err)
		}
	}
}
