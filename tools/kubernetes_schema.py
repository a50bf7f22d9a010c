#!/usr/bin/env python3
"""Writes data/catalog/kubernetes/schema.txt: the fields of the Kubernetes kinds that `doctor` checks.

  kubernetes_schema.py SWAGGER.json CRD.yaml... > data/catalog/kubernetes/schema.txt

SWAGGER.json is api/openapi-spec/swagger.json of the module k8s.io/kubernetes; the CRDs are those of the
Go modules named in the file's head. Only names, types and bounds are taken over, no descriptions.

  kind GROUP/VERSION KIND TYPE      a kind and the type of its document
  type NAME                         followed by its fields, one blank in front:
   FIELD TYPE [!] [k=v]... [~REGEX] FIELD * stands for any other; `!` required; enum=a|b, min, max, minlen, maxlen, minitems,
                                    maxitems (of a list or a map), keys=a+b (together unique in a list)
  old GROUP/VERSION KIND NEW        what was removed, and what took its place

A TYPE is str, int, int32, num, bool, quantity, intstr, any, another type, or one of these behind [ (a list)
or { (a map with text keys).
"""

import json
import sys

import yaml

KINDS = {
    "core.v1": "Pod Service ConfigMap Secret ServiceAccount PersistentVolume PersistentVolumeClaim "
               "Namespace ResourceQuota LimitRange",
    "apps.v1": "Deployment StatefulSet DaemonSet ReplicaSet",
    "batch.v1": "Job CronJob",
    "autoscaling.v2": "HorizontalPodAutoscaler",
    "autoscaling.v1": "HorizontalPodAutoscaler",
    "policy.v1": "PodDisruptionBudget",
    "rbac.v1": "Role ClusterRole RoleBinding ClusterRoleBinding",
    "scheduling.v1": "PriorityClass",
    "storage.v1": "StorageClass",
    "networking.v1": "NetworkPolicy Ingress",
}
GROUPS = {"core": "", "rbac": "rbac.authorization.k8s.io", "scheduling": "scheduling.k8s.io",
          "storage": "storage.k8s.io", "networking": "networking.k8s.io"}

# Bounds that the server keeps in code rather than in its schema: documented values.
ENUMS = {
    "Toleration.operator": "Equal|Exists", "Toleration.effect": "NoSchedule|PreferNoSchedule|NoExecute|",
    "PodSpec.restartPolicy": "Always|OnFailure|Never",
    "PodSpec.dnsPolicy": "ClusterFirst|ClusterFirstWithHostNet|Default|None",
    "Container.imagePullPolicy": "Always|IfNotPresent|Never",
    "Container.terminationMessagePolicy": "File|FallbackToLogsOnError",
    "ContainerPort.protocol": "TCP|UDP|SCTP", "ServicePort.protocol": "TCP|UDP|SCTP",
    "NetworkPolicyPort.protocol": "TCP|UDP|SCTP",
    "HTTPGetAction.scheme": "HTTP|HTTPS",
    "TopologySpreadConstraint.whenUnsatisfiable": "DoNotSchedule|ScheduleAnyway",
    "TopologySpreadConstraint.nodeAffinityPolicy": "Honor|Ignore",
    "TopologySpreadConstraint.nodeTaintsPolicy": "Honor|Ignore",
    "DeploymentStrategy.type": "Recreate|RollingUpdate",
    "StatefulSetSpec.podManagementPolicy": "OrderedReady|Parallel",
    "StatefulSetUpdateStrategy.type": "RollingUpdate|OnDelete",
    "DaemonSetUpdateStrategy.type": "RollingUpdate|OnDelete",
    "JobSpec.completionMode": "Indexed|NonIndexed",
    "JobSpec.podReplacementPolicy": "TerminatingOrFailed|Failed",
    "PodFailurePolicyRule.action": "FailJob|FailIndex|Ignore|Count",
    "PodFailurePolicyOnExitCodesRequirement.operator": "In|NotIn",
    "CronJobSpec.concurrencyPolicy": "Allow|Forbid|Replace",
    "ServiceSpec.type": "ClusterIP|ExternalName|LoadBalancer|NodePort",
    "ServiceSpec.sessionAffinity": "ClientIP|None",
    "ServiceSpec.externalTrafficPolicy": "Cluster|Local",
    "ServiceSpec.internalTrafficPolicy": "Cluster|Local",
    "ServiceSpec.ipFamilyPolicy": "SingleStack|PreferDualStack|RequireDualStack",
    "HPAScalingRules.selectPolicy": "Disabled|Max|Min",
    "HPAScalingPolicy.type": "Percent|Pods",
    "MetricSpec.type": "ContainerResource|External|Object|Pods|Resource",
    "MetricTarget.type": "AverageValue|Utilization|Value",
    "StorageClass.volumeBindingMode": "Immediate|WaitForFirstConsumer",
    "StorageClass.reclaimPolicy": "Delete|Retain",
    "PersistentVolumeSpec.persistentVolumeReclaimPolicy": "Delete|Recycle|Retain",
    "PersistentVolumeSpec.volumeMode": "Block|Filesystem",
    "PersistentVolumeClaimSpec.volumeMode": "Block|Filesystem",
    "RoleRef.kind": "Role|ClusterRole", "RoleRef.apiGroup": "rbac.authorization.k8s.io",
    "Subject.kind": "ServiceAccount|User|Group",
    "PriorityClass.preemptionPolicy": "Never|PreemptLowerPriority",
    "PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy": "AlwaysAllow|IfHealthyBudget",
    "LabelSelectorRequirement.operator": "DoesNotExist|Exists|In|NotIn",
    "NodeSelectorRequirement.operator": "DoesNotExist|Exists|Gt|In|Lt|NotIn",
    "EmptyDirVolumeSource.medium": "|Memory|HugePages",
    "VolumeMount.mountPropagation": "None|HostToContainer|Bidirectional",
    "VolumeMount.recursiveReadOnly": "Disabled|IfPossible|Enabled",
    "SeccompProfile.type": "Localhost|RuntimeDefault|Unconfined",
    "HTTPIngressPath.pathType": "Exact|ImplementationSpecific|Prefix",
}
LIST_ENUMS = {
    "PersistentVolumeSpec.accessModes": "ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod",
    "PersistentVolumeClaimSpec.accessModes": "ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod",
    "NetworkPolicySpec.policyTypes": "Egress|Ingress",
}
MINIMA = {  # of integers
    "DeploymentSpec.replicas": 0, "DeploymentSpec.minReadySeconds": 0,
    "DeploymentSpec.revisionHistoryLimit": 0, "DeploymentSpec.progressDeadlineSeconds": 0,
    "StatefulSetSpec.replicas": 0, "StatefulSetSpec.minReadySeconds": 0, "ReplicaSetSpec.replicas": 0,
    "DaemonSetSpec.minReadySeconds": 0,
    "PodSpec.terminationGracePeriodSeconds": 0, "PodSpec.activeDeadlineSeconds": 1,
    "Probe.initialDelaySeconds": 0, "Probe.timeoutSeconds": 0, "Probe.periodSeconds": 0,
    "Probe.successThreshold": 0, "Probe.failureThreshold": 0,
    "JobSpec.completions": 0, "JobSpec.parallelism": 0, "JobSpec.backoffLimit": 0,
    "JobSpec.backoffLimitPerIndex": 0, "JobSpec.maxFailedIndexes": 0,
    "JobSpec.activeDeadlineSeconds": 0, "JobSpec.ttlSecondsAfterFinished": 0,
    "CronJobSpec.successfulJobsHistoryLimit": 0, "CronJobSpec.failedJobsHistoryLimit": 0,
    "TopologySpreadConstraint.maxSkew": 1, "TopologySpreadConstraint.minDomains": 1,
    "HPAScalingRules.stabilizationWindowSeconds": 0,
    "PreferredSchedulingTerm.weight": 1, "WeightedPodAffinityTerm.weight": 1,
}
MAXIMA = {
    "HPAScalingRules.stabilizationWindowSeconds": 3600, "HPAScalingPolicy.periodSeconds": 1800,
    "PreferredSchedulingTerm.weight": 100, "WeightedPodAffinityTerm.weight": 100,
}
PORTS = {"ContainerPort.containerPort", "ServicePort.port", "ServicePort.nodePort"}
MIN_ITEMS = {"PodSpec.containers": 1, "PolicyRule.verbs": 1, "NodeSelector.nodeSelectorTerms": 1}
# Required by the server though the schema does not say so.
REQUIRED = {"Container.image", "PodTemplateSpec.spec"} | {
    kind + ".spec" for kind in ("Pod", "Service", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job",
                                "CronJob", "HorizontalPodAutoscaler", "PersistentVolume",
                                "PersistentVolumeClaim")}
# Listed as required, and filled in or left alone by the server.
NOT_REQUIRED = {"PriorityClass.value", "EphemeralContainer.name", "PodFailurePolicyRule.onPodConditions",
                "PodFailurePolicyOnPodConditionsPattern.status"}

OLD = """extensions/v1beta1 Deployment apps/v1
extensions/v1beta1 DaemonSet apps/v1
extensions/v1beta1 ReplicaSet apps/v1
extensions/v1beta1 Ingress networking.k8s.io/v1
extensions/v1beta1 NetworkPolicy networking.k8s.io/v1
apps/v1beta1 Deployment apps/v1
apps/v1beta1 StatefulSet apps/v1
apps/v1beta2 Deployment apps/v1
apps/v1beta2 StatefulSet apps/v1
apps/v1beta2 DaemonSet apps/v1
apps/v1beta2 ReplicaSet apps/v1
autoscaling/v2beta1 HorizontalPodAutoscaler autoscaling/v2
autoscaling/v2beta2 HorizontalPodAutoscaler autoscaling/v2
batch/v1beta1 CronJob batch/v1
policy/v1beta1 PodDisruptionBudget policy/v1
networking.k8s.io/v1beta1 Ingress networking.k8s.io/v1
storage.k8s.io/v1beta1 StorageClass storage.k8s.io/v1
scheduling.k8s.io/v1beta1 PriorityClass scheduling.k8s.io/v1
rbac.authorization.k8s.io/v1beta1 Role rbac.authorization.k8s.io/v1
rbac.authorization.k8s.io/v1beta1 RoleBinding rbac.authorization.k8s.io/v1
inference.networking.x-k8s.io/v1alpha2 InferencePool inference.networking.k8s.io/v1
monitoring.googleapis.com/v1alpha1 PodMonitoring monitoring.googleapis.com/v1"""


def plain(schema):
    kind = schema.get("type")
    if kind == "integer":
        return "int32" if schema.get("format") == "int32" else "int"
    return {"string": "str", "number": "num", "boolean": "bool"}.get(kind, "any")


class Writer:
    def __init__(self, swagger):
        self.definitions = swagger["definitions"]
        self.types = {}    # name -> lines
        self.names = {}    # definition -> name
        self.by_body = {}  # lines of an unnamed type -> name
        self.kinds = []

    # --- built-in kinds ---
    def builtin(self, definition):
        if definition in self.names:
            return self.names[definition]
        name = definition.split(".")[-1]
        if name in self.types:
            name = definition.split(".")[-3] + name + definition.split(".")[-2]
        self.names[definition] = name
        self.types[name] = []
        body = self.definitions[definition]
        required = set(body.get("required", []))
        for field, schema in sorted(body.get("properties", {}).items()):
            key = f"{name}.{field}"
            if field == "status" and (key.split(".")[0] + "Status") in \
                    {d.split(".")[-1] for d in self.definitions}:
                self.types[name].append(" status any")
                continue
            must = (field in required or key in REQUIRED) and key not in NOT_REQUIRED
            self.types[name].append(self.line(name, field, self.reference(schema), must, schema))
        return name

    def reference(self, schema):
        if "$ref" in schema:
            target = schema["$ref"].removeprefix("#/definitions/")
            short = target.split(".")[-1]
            if short == "Quantity":
                return "quantity"
            if short == "IntOrString":
                return "intstr"
            if short in ("JSON", "RawExtension", "FieldsV1", "JSONSchemaPropsOrBool"):
                return "any"
            body = self.definitions[target]
            if "properties" not in body:
                return {"string": "str", "integer": "int", "object": "any"}.get(body.get("type"), "any")
            return self.builtin(target)
        kind = schema.get("type")
        if kind == "array":
            return "[" + self.reference(schema["items"])
        if kind == "object":
            if "additionalProperties" in schema:
                return "{" + self.reference(schema["additionalProperties"])
            return "any"
        return plain(schema)

    def line(self, name, field, kind, required, schema):
        key = f"{name}.{field}"
        words = [f" {field} {kind}"]
        if required:
            words.append("!")
        enum = ENUMS.get(key) or LIST_ENUMS.get(key)
        if enum:
            words.append("enum=" + enum)
        if key in PORTS:
            words += ["min=" + ("0" if field == "nodePort" else "1"), "max=65535"]
        if key in MINIMA:
            words.append(f"min={MINIMA[key]}")
        if key in MAXIMA:
            words.append(f"max={MAXIMA[key]}")
        if key in MIN_ITEMS:
            words.append(f"minitems={MIN_ITEMS[key]}")
        return " ".join(words)

    # --- kinds of custom resource definitions ---
    def custom(self, schema, hint, depth=0):
        """The type of a structural schema; equal structures share one."""
        if schema.get("x-kubernetes-int-or-string"):
            return "quantity" if "pattern" in schema else "intstr"
        kind = schema.get("type")
        if kind == "array":
            return "[" + self.custom(schema["items"], hint, depth + 1)
        if kind == "object":
            properties = schema.get("properties")
            is_open = schema.get("x-kubernetes-preserve-unknown-fields")
            if properties is None:
                values = schema.get("additionalProperties")
                if isinstance(values, dict):
                    return "{" + self.custom(values, hint, depth + 1)
                return "any"
            if set(properties) == {"matchLabels", "matchExpressions"}:
                return self.builtin("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector")
            lines = []
            for field, value in sorted(properties.items()):
                lines.append(self.custom_line(field, value, field in schema.get("required", []),
                                              hint + field[:1].upper() + field[1:], depth + 1))
            if is_open:
                lines.insert(0, " * any")
            body = "\n".join(lines)
            if body not in self.by_body:
                name = hint
                while name in self.types:
                    name += "_"
                self.by_body[body] = name
                self.types[name] = lines
            return self.by_body[body]
        return plain(schema)

    POD_TEMPLATES = {"leaderTemplate", "workerTemplate"}

    def custom_line(self, field, schema, required, hint, depth):
        if field in self.POD_TEMPLATES:
            kind = self.builtin("io.k8s.api.core.v1.PodTemplateSpec")
        elif field == "jobTargetRef":
            kind = self.builtin("io.k8s.api.batch.v1.JobSpec")
        elif field == "behavior" and "scaleDown" in schema.get("properties", {}):
            kind = self.builtin("io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior")
        elif field == "metadata" and depth == 1:
            kind = self.builtin("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
        elif field == "metadata" and schema.get("type") == "object" and \
                not {"properties", "additionalProperties"} & set(schema):
            kind = self.builtin("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
        elif field == "status" and depth == 1:
            kind = "any"
        else:
            kind = self.custom(schema, hint, depth)
        inner = schema.get("items", schema) if kind[0] == "[" else schema
        words = [f" {field} {kind}"]
        if required:
            words.append("!")
        if "enum" in inner and all(isinstance(e, str) and " " not in e for e in inner["enum"]):
            words.append("enum=" + "|".join(inner["enum"]))
        for key, word in (("minimum", "min"), ("maximum", "max"), ("minLength", "minlen"),
                          ("maxLength", "maxlen")):
            if key in inner and kind.lstrip("[") in ("int", "int32", "num", "str"):
                words.append(f"{word}={inner[key]:g}" if isinstance(inner[key], float)
                             else f"{word}={inner[key]}")
        for key, word in (("minItems", "minitems"), ("maxItems", "maxitems"),
                          ("minProperties", "minitems"), ("maxProperties", "maxitems")):
            if key in schema and kind[0] in "[{":
                words.append(f"{word}={schema[key]}")
        if schema.get("x-kubernetes-list-type") == "map":
            words.append("keys=" + "+".join(schema["x-kubernetes-list-map-keys"]))
        if "pattern" in inner and kind in ("str", "[str"):
            words.append("~" + inner["pattern"])
        return " ".join(words)

    def add_crd(self, document):
        spec = document["spec"]
        kind = spec["names"]["kind"]
        for version in spec["versions"]:
            if not version.get("served"):
                continue
            hint = kind if version.get("storage") else kind + version["name"].capitalize()
            hint = "KnativeService" if spec["group"] == "serving.knative.dev" else hint
            schema = version["schema"]["openAPIV3Schema"]
            schema["properties"].setdefault("apiVersion", {"type": "string"})
            schema["properties"].setdefault("kind", {"type": "string"})
            schema["properties"].setdefault("metadata", {"type": "object"})
            schema.pop("x-kubernetes-preserve-unknown-fields", None)
            self.kinds.append((f"{spec['group']}/{version['name']}", kind, self.custom(schema, hint)))


def main():
    writer = Writer(json.load(open(sys.argv[1])))
    for group, kinds in KINDS.items():
        name, version = group.split(".")
        for kind in kinds.split():
            definition = f"io.k8s.api.{group}.{kind}"
            served = GROUPS.get(name, name)
            writer.kinds.append((f"{served}/{version}" if served else version, kind,
                                 writer.builtin(definition)))
    for path in sys.argv[2:]:
        for document in yaml.safe_load_all(open(path)):
            if document and document.get("kind") == "CustomResourceDefinition":
                writer.add_crd(document)
    print("# kneepoint kubernetes schema 1; made by tools/kubernetes_schema.py, not by hand")
    print("# k8s.io/kubernetes v1.36.3, sigs.k8s.io/lws v0.9.0, github.com/kedacore/keda/v2 v2.21.0,")
    print("# github.com/prometheus-operator/prometheus-operator v0.85.0,")
    print("# github.com/GoogleCloudPlatform/prometheus-engine v0.17.2, sigs.k8s.io/gateway-api v1.6.3,")
    print("# sigs.k8s.io/gateway-api-inference-extension v1.6.0, knative.dev/serving v0.51.0 (all Apache-2.0)")
    for line in OLD.splitlines():
        print("old", line)
    for version, kind, name in writer.kinds:
        print("kind", version, kind, name)
    for name, lines in writer.types.items():
        print("type", name)
        print("\n".join(lines))


if __name__ == "__main__":
    main()
