package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"
)

// verdict is what the API server says to one document.
type verdict struct {
	ID       string `json:"id"`
	Index    int    `json:"index"` // of the document in its text
	Kind     string `json:"kind"`  // GROUP/VERSION KIND, as written
	Name     string `json:"name"`
	Accepted bool   `json:"accepted"`
	Message  string `json:"message,omitempty"`
	text     []byte
	done     chan struct{}
}

// runDryRun creates everything it reads, strictly and without keeping anything: what
// `kubectl create --dry-run=server --validate=strict` asks, a thousand times faster for many objects.
// Lines {"id": ..., "text": YAML documents} come in, one verdict for each document goes out, in order.
// The server gets the document as it was written, so it sees a key that is there twice as well.
func runDryRun() error {
	flags := flag.NewFlagSet("dry-run", flag.ExitOnError)
	kubeconfig := flags.String("config-file", "", "how to reach the API server")
	atOnce := flags.Int("at-once", 8, "requests under way at a time")
	_ = flags.Parse(os.Args[1:])
	config, err := clientOf(*kubeconfig)
	if err != nil {
		return err
	}
	server, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	groups, err := restmapper.GetAPIGroupResources(server)
	if err != nil {
		return err
	}
	kinds, client := restmapper.NewDiscoveryRESTMapper(groups), server.RESTClient()

	work := make(chan *verdict)
	order := make(chan *verdict, 1<<16)
	var workers sync.WaitGroup
	for range *atOnce {
		workers.Go(func() {
			for v := range work {
				if err := v.ask(kinds, client); err != nil {
					v.Message = err.Error()
				} else {
					v.Accepted = true
				}
				close(v.done)
			}
		})
	}
	var reading error
	go func() {
		defer close(order)
		defer close(work)
		reading = readDocuments(os.Stdin, func(v *verdict) {
			order <- v
			work <- v
		})
	}()
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for v := range order {
		<-v.done
		if err := encoder.Encode(v); err != nil {
			return err
		}
	}
	workers.Wait()
	return reading
}

func readDocuments(from io.Reader, found func(*verdict)) error {
	lines := json.NewDecoder(from)
	for {
		var line struct{ ID, Text string }
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(line.Text)))
		for index := 0; ; {
			text, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("%s: %w", line.ID, err)
			}
			v := &verdict{ID: line.ID, Index: index, text: text, done: make(chan struct{})}
			var object map[string]any
			if err := yaml.Unmarshal(text, &object); err == nil && object == nil {
				continue // comments alone
			}
			index++
			found(v)
		}
	}
}

func (v *verdict) ask(kinds meta.RESTMapper, client rest.Interface) error {
	var object metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(v.text, &object); err != nil {
		// What is wrong may be a label that is no text; the server is asked all the same.
		var least struct {
			metav1.TypeMeta `json:",inline"`
			Metadata        struct{ Name, Namespace string }
		}
		if err := yaml.Unmarshal(v.text, &least); err != nil {
			return err
		}
		object.TypeMeta, object.Name, object.Namespace = least.TypeMeta, least.Metadata.Name, least.Metadata.Namespace
	}
	v.Kind, v.Name = object.APIVersion+" "+object.Kind, object.Name
	kind := schema.FromAPIVersionAndKind(object.APIVersion, object.Kind)
	resource, err := kinds.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	request := client.Post()
	if kind.Group == "" {
		request.AbsPath("/api", kind.Version)
	} else {
		request.AbsPath("/apis", kind.Group, kind.Version)
	}
	if resource.Scope.Name() == meta.RESTScopeNameNamespace {
		namespace := object.Namespace
		if namespace == "" {
			namespace = "default"
		}
		request.Namespace(namespace)
	}
	return request.Resource(resource.Resource.Resource).
		Param("dryRun", "All").Param("fieldValidation", "Strict").
		SetHeader("Content-Type", "application/yaml").Body(v.text).
		Do(context.Background()).Error()
}
