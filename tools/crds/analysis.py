"""AnalysisTemplate, ClusterAnalysisTemplate and AnalysisRun. spec/06 §2, spec/08."""
from .fields import flag, int32, int64, int_or_string, list_of, obj, opaque, string_map, text, time
from .pod_template import metadata


def argument():
    return obj(
        "A value that metrics refer to as {{args.NAME}}.",
        required=["name"],
        name=text("Name of the argument."),
        value=text("The value, or the default in a template."),
        valueFrom=obj(
            "Where the value comes from instead.",
            fieldRef=obj("A field of the Rollout.", required=["fieldPath"], fieldPath=text()),
            secretKeyRef=obj("A key of a Secret in the run's namespace.", required=["key", "name"], key=text(), name=text()),
        ),
    )


def dry_run():
    return list_of(obj(required=["metricName"], metricName=text("Regular expression over metric names.")), "Metrics that are measured without counting for the verdict.")


def retention():
    return list_of(
        obj(required=["limit", "metricName"], metricName=text("Regular expression over metric names."), limit=int32("Measurements kept per metric.")),
        "How many measurements of which metrics are kept; 10 where nothing is said.",
    )


def template_refs():
    return list_of(obj(templateName=text("Name of the template."), clusterScope=flag("The template is a ClusterAnalysisTemplate.")), "Templates whose metrics are combined.")


def authentication():
    return obj(
        "How requests are authenticated.",
        basicAuth=obj("HTTP basic authentication.", username=text(), password=text()),
        oauth2=obj("OAuth 2.0 client credentials.", tokenUrl=text(), clientId=text(), clientSecret=text(), scopes=list_of(text())),
        sigv4=obj("AWS Signature Version 4.", region=text(), profile=text(), roleArn=text("Role to assume.")),
    )


def headers():
    return list_of(obj(required=["key", "value"], key=text(), value=text()), "Header fields to send.")


def providers(schemas):
    query = {"address": text("Base URL of the server."), "query": text("The query, sent as it is.")}
    scope = obj(required=["region", "scope", "step"], scope=text(), region=text(), step=int64(), start=text(), end=text())
    statistics = obj(
        required=["metric", "period", "stat"],
        metric=obj(dimensions=list_of(obj(required=["name", "value"], name=text(), value=text())), metricName=text(), namespace=text()),
        period=int_or_string(), stat=text(), unit=text(),
    )  # fmt: skip
    return obj(
        "Where the value comes from: exactly one of these.",
        prometheus=obj(
            "A PromQL query.",
            **query,
            timeout=int64("Seconds; 30 when absent."),
            insecure=flag("TLS certificates are not verified."),
            headers=headers(),
            authentication=authentication(),
            rangeQuery=obj("Ask for a range instead of an instant.", start=text("Expression of a time."), end=text("Expression of a time."), step=text("Duration.")),
        ),
        web=obj(
            "An HTTP request that answers with JSON.",
            required=["url"],
            url=text(), method=text("GET, POST or PUT.", enum=["GET", "POST", "PUT"]), headers=headers(), body=text(),
            jsonBody=opaque("Sent as JSON."), timeoutSeconds=int64("10 when absent."), jsonPath=text("What of the answer is the value."),
            insecure=flag("TLS certificates are not verified."), authentication=authentication(),
        ),  # fmt: skip
        datadog=obj(
            "A Datadog query.",
            interval=text("Look-back window.", default="5m"), query=text(), queries=string_map(), formula=text(),
            apiVersion=text(default="v1", enum=["v1", "v2"]),
            aggregator=text(enum=["avg", "min", "max", "sum", "last", "percentile", "mean", "l2norm", "area"]),
            secretRef=obj(name=text(), namespaced=flag()), requestTimeout=text(default="10s"),
        ),  # fmt: skip
        newRelic=obj("An NRQL query.", required=["query"], profile=text("Name of the Secret."), query=text(), timeout=int64("Seconds.")),
        wavefront=obj("A Wavefront query.", **query),
        graphite=obj("A Graphite target.", **query),
        influxdb=obj("A Flux query.", profile=text("Name of the Secret."), query=text()),
        skywalking=obj("A SkyWalking GraphQL query.", **query, interval=text("Duration.")),
        cloudWatch=obj(
            "CloudWatch metric data.",
            required=["metricDataQueries"],
            interval=text("Look-back window; 5m when absent."),
            metricDataQueries=list_of(obj(id=text(), expression=text(), label=text(), period=int_or_string(), returnData=flag(), metricStat=statistics)),
        ),
        kayenta=obj(
            "A Kayenta canary analysis.",
            required=["address", "application", "canaryConfigName", "configurationAccountName", "metricsAccountName", "scopes", "storageAccountName", "threshold"],
            address=text(), application=text(), canaryConfigName=text(), metricsAccountName=text(), configurationAccountName=text(),
            storageAccountName=text(), lookback=flag(), threshold=obj(required=["marginal", "pass"], marginal=int64(), pass_=int64()),
            scopes=list_of(obj(required=["controlScope", "experimentScope", "name"], name=text(), controlScope=scope, experimentScope=scope)),
        ),  # fmt: skip
        job=obj("A Kubernetes Job: its success is the verdict.", required=["spec"], metadata=metadata(), spec=schemas.job_spec()),
        plugin=opaque("Metric plugins by name."),
    )


def metric(schemas):
    return obj(
        "One thing to measure, and how to judge it.",
        required=["name", "provider"],
        name=text("Unique in the run."),
        interval=text("Duration between measurements; absent: measured once."),
        initialDelay=text("Duration before the first measurement."),
        count=int_or_string("Measurements to take."),
        successCondition=text("Expression over `result`."),
        failureCondition=text("Expression over `result`."),
        failureLimit=int_or_string("Failed measurements that are tolerated; -1: any."),
        inconclusiveLimit=int_or_string("Inconclusive measurements that are tolerated."),
        consecutiveErrorLimit=int_or_string("Errors in a row that are tolerated; 4 when absent."),
        consecutiveSuccessLimit=int_or_string("Successes in a row that end the metric as successful."),
        provider=providers(schemas),
    )


def template(schemas):
    return obj(
        required=["spec"],
        spec=obj(
            "Metrics and the arguments that they need.",
            metrics=list_of(metric(schemas)), args=list_of(argument()), dryRun=dry_run(), measurementRetention=retention(), templates=template_refs(),
        ),
    )  # fmt: skip


def run(schemas):
    counts = {name: int32() for name in ("count", "successful", "failed", "inconclusive", "error")}
    measurement = obj(
        required=["phase"],
        phase=text(), message=text(), value=text(), startedAt=time(), finishedAt=time(), resumeAt=time("Not looked at before."), metadata=string_map(),
    )  # fmt: skip
    result = obj(
        required=["name", "phase"],
        name=text(), phase=text(), message=text(), measurements=list_of(measurement), **counts, consecutiveError=int32(),
        consecutiveSuccess=int32(), dryRun=flag(), metadata=string_map(),
    )  # fmt: skip
    return obj(
        required=["spec"],
        spec=obj(
            "What is measured.",
            required=["metrics"],
            metrics=list_of(metric(schemas)), args=list_of(argument()), terminate=flag("End the run now."), dryRun=dry_run(),
            measurementRetention=retention(),
            ttlStrategy=obj("When the finished run is deleted.", secondsAfterCompletion=int32(), secondsAfterSuccess=int32(), secondsAfterFailure=int32()),
        ),
        status=obj(
            "What was measured so far.",
            required=["phase"],
            phase=text(), message=text(), startedAt=time(), completedAt=time(), metricResults=list_of(result), runSummary=obj(**counts), dryRunSummary=obj(**counts),
        ),
    )  # fmt: skip
