"""Rollout and Experiment. spec/01 §2 and §3, spec/09 §1."""
import copy

from .analysis import dry_run, retention, template_refs
from .fields import flag, int32, int64, int_or_string, list_of, obj, opaque, string_map, text, time


def run_metadata():
    return obj("Labels and annotations for the AnalysisRun.", labels=string_map(), annotations=string_map())


def analysis(description, **more):
    argument = obj(
        required=["name"],
        name=text(),
        value=text(),
        valueFrom=obj(
            podTemplateHashValue=text("Stable or Latest."),
            fieldRef=obj("A field of the Rollout.", required=["fieldPath"], fieldPath=text()),
        ),
    )
    return obj(
        description, templates=template_refs(), args=list_of(argument), dryRun=dry_run(), measurementRetention=retention(), analysisRunMetadata=run_metadata(), **more
    )


def anti_affinity():
    return obj(
        "Keeps pods of the new revision off the nodes of the old one.",
        preferredDuringSchedulingIgnoredDuringExecution=obj(required=["weight"], weight=int32("1 to 100.")),
        requiredDuringSchedulingIgnoredDuringExecution=obj(),
    )


def pod_metadata(description):
    return obj(description, labels=string_map(), annotations=string_map())


def matched():
    return obj("One of the three.", exact=text(), prefix=text(), regex=text())


def routing():
    name = {"name": text()}
    virtual_service = obj(
        required=["name"],
        **name,
        routes=list_of(text(), "HTTP routes to split."),
        tlsRoutes=list_of(obj(port=int64(), sniHosts=list_of(text()))),
        tcpRoutes=list_of(obj(port=int64())),
    )
    node = obj(required=["name"], **name)
    return obj(
        "Routers that split the traffic; without any, the split follows the pods.",
        managedRoutes=list_of(obj(required=["name"], **name), "Routes that the controller may make, most important first."),
        maxTrafficWeight=int32("The weight that means all traffic; 100 when absent."),
        plugins=opaque("Router plugins by name."),
        istio=obj(
            virtualService=virtual_service,
            virtualServices=list_of(copy.deepcopy(virtual_service)),
            destinationRule=obj(
                required=["canarySubsetName", "name", "stableSubsetName"],
                **name, canarySubsetName=text(), stableSubsetName=text(), additionalSubsetNames=list_of(text()),
            ),
        ),
        nginx=obj(
            annotationPrefix=text(), stableIngress=text(), stableIngresses=list_of(text()), additionalIngressAnnotations=string_map(),
            canaryIngressAnnotations=string_map(),
        ),
        alb=obj(
            required=["servicePort"],
            ingress=text(), ingresses=list_of(text()), servicePort=int32(), rootService=text(), annotationPrefix=text(),
            stickinessConfig=obj(required=["durationSeconds", "enabled"], enabled=flag(), durationSeconds=int64()),
        ),
        smi=obj(rootService=text(), trafficSplitName=text()),
        ambassador=obj(required=["mappings"], mappings=list_of(text())),
        appMesh=obj(
            virtualService=obj(required=["name"], **name, routes=list_of(text())),
            virtualNodeGroup=obj(required=["canaryVirtualNodeRef", "stableVirtualNodeRef"], canaryVirtualNodeRef=node, stableVirtualNodeRef=copy.deepcopy(node)),
        ),
        traefik=obj(required=["weightedTraefikServiceName"], weightedTraefikServiceName=text()),
        apisix=obj(route=obj(required=["name"], **name, rules=list_of(text()))),
    )  # fmt: skip


def experiment_step(schemas):
    argument = obj(
        required=["name"], name=text(), value=text(),
        valueFrom=obj(podTemplateHashValue=text(), fieldRef=obj(required=["fieldPath"], fieldPath=text())),
    )  # fmt: skip
    template = obj(
        required=["name", "specRef"],
        name=text(), specRef=text("canary or stable."), replicas=int32(), metadata=pod_metadata("Added to the template."),
        selector=schemas.label_selector("Selects the template's pods."), weight=int32("Share of the traffic."), service=obj(name=text()),
    )  # fmt: skip
    return obj(
        "Runs versions side by side and waits for the verdict.",
        required=["templates"],
        templates=list_of(template),
        duration=text("How long; absent: until its analyses end it."),
        analyses=list_of(
            obj(required=["name", "templateName"], name=text(), templateName=text(), clusterScope=flag(), args=list_of(argument), requiredForCompletion=flag())
        ),
        dryRun=dry_run(),
        analysisRunMetadata=run_metadata(),
        scaleDownDelaySeconds=int32(),
    )


def step(schemas):
    mirror_match = obj(method=matched(), path=matched(), headers={"type": "object", "additionalProperties": matched()})
    return obj(
        "One action.",
        setWeight=int32("Share of the traffic that the canary gets."),
        pause=obj("Waits.", duration=int_or_string("Seconds, or a duration with its unit; absent: until promoted.")),
        setCanaryScale=obj("Sizes the canary apart from its traffic.", weight=int32(), replicas=int32(), matchTrafficWeight=flag()),
        experiment=experiment_step(schemas),
        analysis=analysis("Waits for the verdict of a run."),
        setHeaderRoute=obj(
            "Sends requests with these headers to the canary.",
            name=text("One of managedRoutes."),
            match=list_of(obj(required=["headerName", "headerValue"], headerName=text(), headerValue=matched())),
        ),
        setMirrorRoute=obj("Copies matching requests to the canary.", required=["name"], name=text(), match=list_of(mirror_match), percentage=int32()),
        plugin=obj("A step of a plugin.", required=["name"], name=text(), config=opaque()),
    )


def delays():
    return {
        "scaleDownDelaySeconds": int32("Seconds before the old ReplicaSet is scaled down."),
        "scaleDownDelayRevisionLimit": int32("Old ReplicaSets that may run within their delay."),
        "abortScaleDownDelaySeconds": int32("Seconds before the new ReplicaSet is scaled down after an abort; 0: never."),
    }


def strategy(schemas):
    blue_green = obj(
        "All traffic at once, when the new version is ready.",
        required=["activeService"],
        activeService=text("Service that sends traffic to the active version."),
        previewService=text("Service that reaches the new version before."),
        previewReplicaCount=int32("Pods of the new version before its promotion."),
        autoPromotionEnabled=flag("false: wait for a person."),
        autoPromotionSeconds=int32("Seconds between ready and promoted."),
        maxUnavailable=int_or_string("Limits restarts."),
        **delays(),
        prePromotionAnalysis=analysis("Has to succeed before the switch."),
        postPromotionAnalysis=analysis("Has to succeed after the switch."),
        antiAffinity=anti_affinity(),
        previewMetadata=pod_metadata("Worn by pods of the new version until it is active."),
        activeMetadata=pod_metadata("Worn by pods of the active version."),
    )
    canary = obj(
        "Traffic step by step.",
        canaryService=text("Service that selects the canary's pods."),
        stableService=text("Service that selects the stable pods."),
        steps=list_of(step(schemas)),
        trafficRouting=routing(),
        maxUnavailable=int_or_string("Pods that may be missing."),
        maxSurge=int_or_string("Pods that may be too many."),
        analysis=analysis("Runs beside the steps.", startingStep=int32("The step at which it starts.")),
        antiAffinity=anti_affinity(),
        canaryMetadata=pod_metadata("Worn by canary pods."),
        stableMetadata=pod_metadata("Worn by stable pods."),
        **delays(),
        dynamicStableScale=flag("The stable side shrinks as traffic leaves it."),
        pingPong=obj("Two Services that take turns.", required=["pingService", "pongService"], pingService=text(), pongService=text()),
        minPodsPerReplicaSet=int32("Pods that a ReplicaSet with traffic has at least."),
        replicaProgressThreshold=obj("When a ReplicaSet counts as ready.", required=["type", "value"], type=text("Percent or Pods."), value=int32()),
    )
    return obj("How a new version replaces the old one: exactly one of the two.", blueGreen=blue_green, canary=canary)


def condition():
    names = ("type", "status", "lastUpdateTime", "lastTransitionTime", "reason", "message")
    return obj(required=names, **{name: time() if name.endswith("Time") else text() for name in names})


def rollout_status():
    run_status = lambda: obj(required=["name", "status"], name=text(), status=text(), message=text())  # noqa: E731
    weight = lambda: obj(required=["weight"], weight=int32(), serviceName=text(), podTemplateHash=text())  # noqa: E731
    reference = lambda: obj(required=["arn", "name"], name=text(), arn=text(), fullName=text())  # noqa: E731
    balancer = lambda: obj(  # noqa: E731
        required=["canaryTargetGroup", "loadBalancer", "stableTargetGroup"],
        ingress=text(), loadBalancer=reference(), canaryTargetGroup=reference(), stableTargetGroup=reference(),
    )  # fmt: skip
    plugin = obj(
        required=["index", "name", "operation"],
        index=int32(), name=text(), operation=text(), phase=text(), message=text(), startedAt=time(), updatedAt=time(), finishedAt=time(),
        backoff=text(), executions=int32(), disabled=flag(), status=opaque(),
    )  # fmt: skip
    return obj(
        "What the controller saw and did.",
        abort=flag("The update is aborted."), abortedAt=time(), controllerPause=flag("The controller paused the rollout."),
        pauseConditions=list_of(obj(required=["reason", "startTime"], reason=text(), startTime=time())),
        currentPodHash=text("Hash of the newest pod template."), currentStepHash=text(), currentStepIndex=int32("Step being taken."),
        replicas=int32(), updatedReplicas=int32(), readyReplicas=int32(), availableReplicas=int32(), HPAReplicas=int32("What autoscalers see."),
        selector=text("What autoscalers select pods by."), collisionCount=int32(), observedGeneration=text(), conditions=list_of(condition()),
        canary=obj(
            currentStepAnalysisRunStatus=run_status(), currentBackgroundAnalysisRunStatus=run_status(), currentExperiment=text(),
            weights=obj(required=["canary", "stable"], canary=weight(), stable=weight(), additional=list_of(weight()), verified=flag()),
            stablePingPong=text(), stepPluginStatuses=list_of(plugin),
        ),
        blueGreen=obj(
            previewSelector=text(), activeSelector=text(), scaleUpPreviewCheckPoint=flag(), prePromotionAnalysisRunStatus=run_status(),
            postPromotionAnalysisRunStatus=run_status(),
        ),
        stableRS=text("Hash of the stable ReplicaSet."), restartedAt=time(), promoteFull=flag("Skip everything that is left."), phase=text(), message=text(),
        workloadObservedGeneration=text(), alb=balancer(), albs=list_of(balancer()),
        duration=obj(
            rolloutStartedAt=time(), manualPauseStartedAt=time(), totalManualPauseDurationSeconds=int64(), finishedAt=time(), completionStatus=text(),
        ),
    )  # fmt: skip


def rollout(schemas):
    selector = schemas.label_selector("Selects the pods; can't be changed.")
    selector["x-kubernetes-validations"] = [{"rule": "self == oldSelf", "message": ".spec.selector is immutable"}]
    return obj(
        required=["spec"],
        spec=obj(
            "What should run, and how changes reach it.",
            replicas=int32("Pods wanted."),
            analysis=obj("Finished runs that are kept.", successfulRunHistoryLimit=int32(), unsuccessfulRunHistoryLimit=int32()),
            selector=selector,
            template=schemas.pod_template(),
            workloadRef=obj("The object that holds the pod template instead.", apiVersion=text(), kind=text(), name=text(), scaleDown=text("never, onsuccess or progressively.")),
            minReadySeconds=int32("Seconds that a pod must be ready to count as available."),
            rollbackWindow=obj("Rollbacks within so many revisions skip the steps.", revisions=int32()),
            strategy=strategy(schemas),
            revisionHistoryLimit=int32("Old ReplicaSets that are kept; 10 when absent."),
            paused=flag("Nothing advances while set."),
            progressDeadlineSeconds=int32("Seconds without progress after which the update counts as failed; 600 when absent."),
            progressDeadlineAbort=flag("Abort the update then."),
            restartAt=time("Pods that are older are restarted."),
        ),
        status=rollout_status(),
    )


def experiment(schemas):
    argument = obj(
        required=["name"], name=text(), value=text(),
        valueFrom=obj(fieldRef=obj(required=["fieldPath"], fieldPath=text()), secretKeyRef=obj(required=["key", "name"], key=text(), name=text())),
    )  # fmt: skip
    template = obj(
        required=["name", "selector", "template"],
        name=text(), replicas=int32(), minReadySeconds=int32(), selector=schemas.label_selector("Selects the template's pods."),
        template=schemas.pod_template(), service=obj("Asks for a Service.", name=text()),
    )  # fmt: skip
    template_status = obj(
        required=["name", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas"],
        name=text(), replicas=int32(), updatedReplicas=int32(), readyReplicas=int32(), availableReplicas=int32(), collisionCount=int32(),
        status=text(), message=text(), lastTransitionTime=time(), serviceName=text(), podTemplateHash=text(),
    )  # fmt: skip
    return obj(
        required=["spec"],
        spec=obj(
            "Versions to run side by side.",
            required=["templates"],
            templates=list_of(template),
            duration=text("How long, counted from when all run."),
            progressDeadlineSeconds=int32(),
            terminate=flag("End the experiment now."),
            analyses=list_of(
                obj(required=["name", "templateName"], name=text(), templateName=text(), clusterScope=flag(), args=list_of(argument), requiredForCompletion=flag())
            ),
            scaleDownDelaySeconds=int32(),
            dryRun=dry_run(),
            measurementRetention=retention(),
            analysisRunMetadata=run_metadata(),
        ),
        status=obj(
            "How it goes.",
            phase=text(), message=text(), availableAt=time(), templateStatuses=list_of(template_status),
            analysisRuns=list_of(obj(required=["analysisRun", "name", "phase"], name=text(), analysisRun=text(), phase=text(), message=text())),
            conditions=list_of(condition()),
        ),
    )  # fmt: skip
