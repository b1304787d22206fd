resource "aws_ecr_repository" "module" {
  for_each = var.modules

  name = "${var.name}/${each.key}"
  # What a tag stood for once, it stands for always: a rollback gets what ran before.
  image_tag_mutability = "IMMUTABLE"
  # Images can be built again. Without this `terraform destroy` stops at the first repository that has one.
  force_delete = true

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "module" {
  for_each = aws_ecr_repository.module

  repository = each.value.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "The last 30 images stay."
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 30 }
      action       = { type = "expire" }
    }]
  })
}
