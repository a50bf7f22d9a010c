package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensionsclient "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	registration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	registrationclient "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
	leaderworkersetv1 "sigs.k8s.io/lws/api/leaderworkerset/v1"
	"sigs.k8s.io/yaml"
)

// installer puts into a fresh API server what a cluster has beyond Kubernetes itself.
type installer struct {
	core         kubernetes.Interface
	extensions   extensionsclient.Interface
	registration registrationclient.Interface
}

func newInstaller(kubeconfig string) (*installer, error) {
	config, err := clientOf(kubeconfig)
	if err != nil {
		return nil, err
	}
	i := &installer{}
	if i.core, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if i.extensions, err = extensionsclient.NewForConfig(config); err != nil {
		return nil, err
	}
	i.registration, err = registrationclient.NewForConfig(config)
	return i, err
}

func (i *installer) serverReady(ctx context.Context) error {
	return i.core.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

func (i *installer) definitions(ctx context.Context, folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no definitions in %q", folder)
	}
	// The server takes its time for each schema, and can do so for several.
	results := make(chan error, len(files))
	for _, file := range files {
		go func() { results <- i.definition(ctx, file) }()
	}
	for range files {
		err = errors.Join(err, <-results)
	}
	return err
}

func (i *installer) definition(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	definition := &extensions.CustomResourceDefinition{}
	if err := yaml.Unmarshal(text, definition); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	// Conversion would ask a webhook of an operator that does not run; one version is enough.
	definition.Spec.Conversion = nil
	_, err = i.extensions.ApiextensionsV1().CustomResourceDefinitions().Create(ctx, definition, meta.CreateOptions{})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func (i *installer) definitionsReady(ctx context.Context) error {
	all, err := i.extensions.ApiextensionsV1().CustomResourceDefinitions().List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	for _, one := range all.Items {
		established := false
		for _, condition := range one.Status.Conditions {
			if condition.Type == extensions.Established && condition.Status == extensions.ConditionTrue {
				established = true
			}
		}
		if !established {
			return fmt.Errorf("%s is not established", one.Name)
		}
	}
	return nil
}

// nodes makes one machine without accelerators, one with eight L4 and two with eight H100, with the
// labels and taints that GKE gives them. kwok makes them ready.
func (i *installer) nodes(ctx context.Context) error {
	for _, machine := range []struct{ name, accelerator, kind, cpu, memory string }{
		{"cpu-0", "", "n2-standard-64", "64", "256Gi"},
		{"l4-0", "nvidia-l4", "g2-standard-96", "96", "384Gi"},
		{"h100-0", "nvidia-h100-80gb", "a3-highgpu-8g", "208", "1872Gi"},
		{"h100-1", "nvidia-h100-80gb", "a3-highgpu-8g", "208", "1872Gi"},
	} {
		node := &core.Node{}
		node.Name = machine.name
		node.Labels = map[string]string{
			core.LabelHostname: machine.name, core.LabelOSStable: "linux", core.LabelArchStable: "amd64",
			core.LabelInstanceTypeStable: machine.kind, core.LabelTopologyZone: "us-central1-a",
			core.LabelTopologyRegion: "us-central1",
		}
		room := core.ResourceList{
			core.ResourceCPU: resource.MustParse(machine.cpu), core.ResourceMemory: resource.MustParse(machine.memory),
			core.ResourceEphemeralStorage: resource.MustParse("3Ti"), core.ResourcePods: resource.MustParse("500"),
		}
		if machine.accelerator != "" {
			node.Labels["cloud.google.com/gke-accelerator"] = machine.accelerator
			node.Labels["cloud.google.com/gke-gpu-driver-version"] = "latest"
			node.Spec.Taints = []core.Taint{{Key: "nvidia.com/gpu", Value: "present", Effect: core.TaintEffectNoSchedule}}
			room["nvidia.com/gpu"] = resource.MustParse("8")
		}
		node.Status.Capacity, node.Status.Allocatable = room, room
		if _, err := i.core.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// metricsAPI registers the part "metrics" for both kinds of metrics an autoscaler asks for. A Service
// cannot have endpoints on loopback, but its external name may be that address; "localhost" would need
// a machine that can resolve it.
func (i *installer) metricsAPI(ctx context.Context, port int, authority string) error {
	bundle, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	service := &core.Service{}
	service.Name = "metrics"
	service.Spec.Type, service.Spec.ExternalName = core.ServiceTypeExternalName, loopback
	if _, err := i.core.CoreV1().Services("kube-system").Create(ctx, service, meta.CreateOptions{}); err != nil {
		return err
	}
	number := int32(port)
	for _, group := range []struct{ name, version string }{
		{customGroup, customVersion}, {externalGroup, externalVersion},
	} {
		api := &registration.APIService{}
		api.Name = group.version + "." + group.name
		api.Spec = registration.APIServiceSpec{
			Group: group.name, Version: group.version, GroupPriorityMinimum: 100, VersionPriority: 100, CABundle: bundle,
			Service: &registration.ServiceReference{Namespace: "kube-system", Name: "metrics", Port: &number},
		}
		if _, err := i.registration.ApiregistrationV1().APIServices().Create(ctx, api, meta.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// webhooks says for which requests the API server asks the part "leaderworkerset". The paths are
// those that controller-runtime derives from group, version and kind.
func (i *installer) webhooks(ctx context.Context, port int, authority string) error {
	bundle, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	at := func(path string) admission.WebhookClientConfig {
		url := fmt.Sprintf("https://%s%s", address(port), path)
		return admission.WebhookClientConfig{URL: &url, CABundle: bundle}
	}
	sets := []admission.RuleWithOperations{{
		Operations: []admission.OperationType{admission.Create, admission.Update},
		Rule: admission.Rule{
			APIGroups: []string{leaderworkersetv1.GroupVersion.Group}, APIVersions: []string{"v1"},
			Resources: []string{"leaderworkersets"},
		},
	}}
	pods := []admission.RuleWithOperations{{
		Operations: []admission.OperationType{admission.Create},
		Rule:       admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}}
	members := &meta.LabelSelector{MatchExpressions: []meta.LabelSelectorRequirement{
		{Key: leaderworkersetv1.SetNameLabelKey, Operator: meta.LabelSelectorOpExists},
	}}
	fail, none := admission.Fail, admission.SideEffectClassNone
	versions := []string{"v1"}
	mutating := &admission.MutatingWebhookConfiguration{Webhooks: []admission.MutatingWebhook{{
		Name: "mutate.leaderworkersets.test", Rules: sets, FailurePolicy: &fail, SideEffects: &none,
		ClientConfig:            at("/mutate-leaderworkerset-x-k8s-io-v1-leaderworkerset"),
		AdmissionReviewVersions: versions,
	}, {
		Name: "mutate.pods.test", Rules: pods, FailurePolicy: &fail, SideEffects: &none, ObjectSelector: members,
		ClientConfig: at("/mutate--v1-pod"), AdmissionReviewVersions: versions,
	}}}
	mutating.Name = "leaderworkerset"
	validating := &admission.ValidatingWebhookConfiguration{Webhooks: []admission.ValidatingWebhook{{
		Name: "validate.leaderworkersets.test", Rules: sets, FailurePolicy: &fail, SideEffects: &none,
		ClientConfig:            at("/validate-leaderworkerset-x-k8s-io-v1-leaderworkerset"),
		AdmissionReviewVersions: versions,
	}}}
	validating.Name = "leaderworkerset"
	client := i.core.AdmissionregistrationV1()
	if _, err := client.MutatingWebhookConfigurations().Create(ctx, mutating, meta.CreateOptions{}); err != nil {
		return err
	}
	_, err = client.ValidatingWebhookConfigurations().Create(ctx, validating, meta.CreateOptions{})
	return err
}

// allReady: what a test may count on from the first moment.
func (i *installer) allReady(ctx context.Context) error {
	nodes, err := i.core.CoreV1().Nodes().List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	for _, node := range nodes.Items {
		ready := false
		for _, condition := range node.Status.Conditions {
			if condition.Type == core.NodeReady && condition.Status == core.ConditionTrue {
				ready = true
			}
		}
		// The taint for nodes that are not ready goes a moment later.
		for _, taint := range node.Spec.Taints {
			if taint.Key == core.TaintNodeNotReady {
				ready = false
			}
		}
		if !ready {
			return fmt.Errorf("node %s is not ready", node.Name)
		}
	}
	if _, err := i.core.CoreV1().ServiceAccounts("default").Get(ctx, "default", meta.GetOptions{}); err != nil {
		return err
	}
	services, err := i.registration.ApiregistrationV1().APIServices().List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	for _, one := range services.Items {
		available := false
		for _, condition := range one.Status.Conditions {
			if condition.Type == registration.Available && condition.Status == registration.ConditionTrue {
				available = true
			}
		}
		if !available {
			return fmt.Errorf("API %s is not available", one.Name)
		}
	}
	return i.webhookAsked(ctx)
}

// webhookAsked: a set of size 0 is refused by the webhook alone, so the refusal shows that it is asked.
func (i *installer) webhookAsked(ctx context.Context) error {
	body := []byte(`{"apiVersion":"leaderworkerset.x-k8s.io/v1","kind":"LeaderWorkerSet",
		"metadata":{"name":"probe"},"spec":{"leaderWorkerTemplate":{"size":0,"workerTemplate":
		{"spec":{"containers":[{"name":"a","image":"a"}]}}}}}`)
	err := i.core.Discovery().RESTClient().Post().
		AbsPath("/apis/leaderworkerset.x-k8s.io/v1/namespaces/default/leaderworkersets").
		Param("dryRun", "All").SetHeader("Content-Type", "application/json").Body(body).Do(ctx).Error()
	if err == nil {
		return errors.New("the webhook of LeaderWorkerSet is not asked yet")
	}
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		return nil
	}
	return err
}
