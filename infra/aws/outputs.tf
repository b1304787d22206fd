locals {
  amqps = one([for endpoint in aws_mq_broker.broker.instances[0].endpoints : endpoint if startswith(endpoint, "amqps://")])
  # One for each node, at ports that Amazon MQ chooses.
  metrics = [for endpoint in aws_mq_broker.broker.instances[0].endpoints : trimprefix(endpoint, "https://") if startswith(endpoint, "https://")]
}

output "cluster" {
  description = "For `aws eks update-kubeconfig --name`."
  value       = module.cluster.cluster_name
}

output "registry" {
  description = "Where the images are pushed to, for `podman login` and `podman push`."
  value       = split("/", values(aws_ecr_repository.module)[0].repository_url)[0]
}

output "broker_address" {
  description = "Host and port at which the modules speak AMQP over TLS."
  value       = trimprefix(local.amqps, "amqps://")
}

output "broker_console" {
  description = "The management interface, which only the cluster reaches."
  value       = aws_mq_broker.broker.instances[0].console_url
}

output "kustomization" {
  description = "The overlay of this account, for `k8s/overlays/here/kustomization.yaml`: `k8s/overlays/eks` with the images, the broker and its network."
  value = templatefile("${path.module}/kustomization.yaml.tftpl", {
    registry       = split("/", values(aws_ecr_repository.module)[0].repository_url)[0]
    name           = var.name
    modules        = sort(var.modules)
    tag            = var.image_tag
    broker_address = trimprefix(local.amqps, "amqps://")
    broker_metrics = jsonencode(local.metrics)
    broker_network = local.broker_network
  })
}
