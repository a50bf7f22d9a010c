import com.google.api.gax.core.NoCredentialsProvider;
import com.google.api.gax.grpc.InstantiatingGrpcChannelProvider;
import com.google.api.gax.rpc.ApiException;
import com.google.api.gax.rpc.UnaryCallable;
import com.google.cloud.gkerecommender.v1.*;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import io.grpc.ManagedChannelBuilder;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/** The public Java client: `Probe grpc|rest HOST:PORT`; in and out are those of python_probe.py. */
public final class Probe {
  private static GkeInferenceQuickstartClient client(String transport, String where)
      throws Exception {
    if (transport.equals("rest")) {
      return GkeInferenceQuickstartClient.create(
          GkeInferenceQuickstartSettings.newHttpJsonBuilder()
              .setEndpoint("http://" + where)
              .setCredentialsProvider(NoCredentialsProvider.create())
              .build());
    }
    return GkeInferenceQuickstartClient.create(
        GkeInferenceQuickstartSettings.newBuilder()
            .setEndpoint(where)
            .setCredentialsProvider(NoCredentialsProvider.create())
            .setTransportChannelProvider(
                InstantiatingGrpcChannelProvider.newBuilder()
                    .setChannelConfigurator(ManagedChannelBuilder::usePlaintext)
                    .build())
            .build());
  }

  private static <B extends Message.Builder> B read(String json, B into) throws Exception {
    JsonFormat.parser().merge(json, into);
    return into;
  }

  private static JsonObject json(MessageOrBuilder message) throws Exception {
    return JsonParser.parseString(JsonFormat.printer().print(message)).getAsJsonObject();
  }

  private interface Pager<Q, R> {
    Q next(Q request, String token);
  }

  private static <Q, R extends Message> JsonArray pages(
      UnaryCallable<Q, R> callable, Q request, Function<R, String> token, Pager<Q, R> pager)
      throws Exception {
    JsonArray out = new JsonArray();
    for (; ; ) {
      R page = callable.call(request);
      out.add(json(page));
      String next = token.apply(page);
      if (next.isEmpty()) return out;
      request = pager.next(request, next);
    }
  }

  private static JsonArray call(GkeInferenceQuickstartClient c, String method, String body)
      throws Exception {
    switch (method) {
      case "fetch_models":
        return pages(c.fetchModelsCallable(), read(body, FetchModelsRequest.newBuilder()).build(),
            FetchModelsResponse::getNextPageToken,
            (q, t) -> q.toBuilder().setPageToken(t).build());
      case "fetch_model_servers":
        return pages(c.fetchModelServersCallable(),
            read(body, FetchModelServersRequest.newBuilder()).build(),
            FetchModelServersResponse::getNextPageToken,
            (q, t) -> q.toBuilder().setPageToken(t).build());
      case "fetch_model_server_versions":
        return pages(c.fetchModelServerVersionsCallable(),
            read(body, FetchModelServerVersionsRequest.newBuilder()).build(),
            FetchModelServerVersionsResponse::getNextPageToken,
            (q, t) -> q.toBuilder().setPageToken(t).build());
      case "fetch_profiles":
        return pages(c.fetchProfilesCallable(),
            read(body, FetchProfilesRequest.newBuilder()).build(),
            FetchProfilesResponse::getNextPageToken,
            (q, t) -> q.toBuilder().setPageToken(t).build());
      case "fetch_benchmarking_data": {
        JsonArray out = new JsonArray();
        out.add(json(c.fetchBenchmarkingData(
            read(body, FetchBenchmarkingDataRequest.newBuilder()).build())));
        return out;
      }
      case "generate_optimized_manifest": {
        JsonArray out = new JsonArray();
        out.add(json(c.generateOptimizedManifest(
            read(body, GenerateOptimizedManifestRequest.newBuilder()).build())));
        return out;
      }
      default:
        throw new IllegalArgumentException("no method " + method);
    }
  }

  public static void main(String[] args) throws Exception {
    try (GkeInferenceQuickstartClient client = client(args[0], args[1])) {
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        JsonObject ask = JsonParser.parseString(line).getAsJsonObject();
        JsonObject out = new JsonObject();
        try {
          out.add("ok",
              call(client, ask.get("method").getAsString(), ask.get("request").toString()));
        } catch (ApiException e) {
          JsonObject error = new JsonObject();
          error.addProperty("class", e.getStatusCode().getCode().toString());
          error.addProperty("message", e.getMessage());
          error.addProperty("reason", e.getReason());
          error.addProperty("domain", e.getDomain());
          out.add("error", error);
        }
        System.out.println(out);
      }
    }
  }
}
