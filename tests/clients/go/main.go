// The public Go client: asks what standard input names, line by line, and prints what came.
//
//	probe grpc|rest HOST:PORT [TOKEN]
//
// In and out are those of python_probe.py.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	gkerecommender "cloud.google.com/go/gkerecommender/apiv1"
	pb "cloud.google.com/go/gkerecommender/apiv1/gkerecommenderpb"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	gax "github.com/googleapis/gax-go/v2"
)

type ask struct {
	Method     string          `json:"method"`
	Request    json.RawMessage `json:"request"`
	Compressed bool            `json:"compressed"`
}

func newClient(ctx context.Context, transport, where string) (*gkerecommender.GkeInferenceQuickstartClient, error) {
	if transport == "rest" {
		return gkerecommender.NewGkeInferenceQuickstartRESTClient(ctx,
			option.WithEndpoint("http://"+where), option.WithoutAuthentication())
	}
	return gkerecommender.NewGkeInferenceQuickstartClient(ctx, option.WithEndpoint(where),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
}

// pages follows an iterator to its end; what it hands out item by item is joined by the caller's
// response, so the whole answer is one page here.
func drain[T any](next func() (T, error)) error {
	for {
		if _, err := next(); errors.Is(err, iterator.Done) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func call(ctx context.Context, client *gkerecommender.GkeInferenceQuickstartClient, a ask, options ...gax.CallOption) ([]proto.Message, error) {
	read := func(into proto.Message) error { return protojson.Unmarshal(a.Request, into) }
	var pages []proto.Message
	keep := func(response interface{}) {
		page, ok := response.(proto.Message)
		if ok && (len(pages) == 0 || pages[len(pages)-1] != page) {
			pages = append(pages, page)
		}
	}
	switch a.Method {
	case "fetch_models":
		var request pb.FetchModelsRequest
		if err := read(&request); err != nil {
			return nil, err
		}
		it := client.FetchModels(ctx, &request, options...)
		err := drain(func() (string, error) { item, err := it.Next(); keep(it.Response); return item, err })
		return pages, err
	case "fetch_model_servers":
		var request pb.FetchModelServersRequest
		if err := read(&request); err != nil {
			return nil, err
		}
		it := client.FetchModelServers(ctx, &request, options...)
		err := drain(func() (string, error) { item, err := it.Next(); keep(it.Response); return item, err })
		return pages, err
	case "fetch_model_server_versions":
		var request pb.FetchModelServerVersionsRequest
		if err := read(&request); err != nil {
			return nil, err
		}
		it := client.FetchModelServerVersions(ctx, &request, options...)
		err := drain(func() (string, error) { item, err := it.Next(); keep(it.Response); return item, err })
		return pages, err
	case "fetch_profiles":
		var request pb.FetchProfilesRequest
		if err := read(&request); err != nil {
			return nil, err
		}
		it := client.FetchProfiles(ctx, &request, options...)
		err := drain(func() (*pb.Profile, error) { item, err := it.Next(); keep(it.Response); return item, err })
		return pages, err
	case "fetch_benchmarking_data":
		var request pb.FetchBenchmarkingDataRequest
		if err := read(&request); err != nil {
			return nil, err
		}
		answer, err := client.FetchBenchmarkingData(ctx, &request, options...)
		return []proto.Message{answer}, err
	case "generate_optimized_manifest":
		var request pb.GenerateOptimizedManifestRequest
		if err := read(&request); err != nil {
			return nil, err
		}
		answer, err := client.GenerateOptimizedManifest(ctx, &request, options...)
		return []proto.Message{answer}, err
	}
	return nil, fmt.Errorf("no method %s", a.Method)
}

func failure(err error) map[string]any {
	out := map[string]any{"message": err.Error(), "class": ""}
	if s, ok := status.FromError(err); ok {
		out["class"] = s.Code().String()
		out["message"] = s.Message()
	}
	var api *apierror.APIError
	if errors.As(err, &api) {
		out["reason"] = api.Reason()
		out["domain"] = api.Domain()
		out["http"] = api.HTTPCode()
	}
	return map[string]any{"error": out}
}

func main() {
	ctx := context.Background()
	client, err := newClient(ctx, os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if len(os.Args) > 3 {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+os.Args[3])
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var a ask
		if err := json.Unmarshal(in.Bytes(), &a); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var options []gax.CallOption
		if a.Compressed && os.Args[1] == "grpc" {
			options = append(options, gax.WithGRPCOptions(grpc.UseCompressor(gzip.Name)))
		}
		var line []byte
		if pages, err := call(ctx, client, a, options...); err != nil {
			line, _ = json.Marshal(failure(err))
		} else {
			out := []json.RawMessage{}
			for _, page := range pages {
				text, _ := protojson.Marshal(page)
				out = append(out, text)
			}
			line, _ = json.Marshal(map[string]any{"ok": out})
		}
		fmt.Println(string(line))
	}
}
